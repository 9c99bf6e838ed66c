import { RateLimitError } from '../../core/errors.js';
import type { LimitNumbers } from '../../core/limit-book.js';
import { withId, type Policy } from '../../core/policy.js';
import type { PolicySource } from '../policy-source.js';
import type { PolicyVariants } from '../policy-variants.js';

/**
 * A policy whose numbers are in its definition, and may be changed while the application runs: what holds now, for all
 * keys and for single ones.
 */
export class LivePolicy implements PolicySource<unknown> {
  readonly varies = 'never';
  readonly own: Policy;
  /** What holds for keys without an override. */
  current: Policy;
  private overrides: Map<string, Policy> | undefined;
  /** The most that a request is known to cost. */
  private highestCost = 0;

  /** The same policy with other quotas, one for each handler. */
  private readonly followers: LivePolicy[] = [];

  /** @param leader the policy whose numbers it follows */
  constructor(
    private readonly variants: PolicyVariants,
    private readonly leader?: LivePolicy,
  ) {
    this.own = this.current = variants.own;
    leader?.followers.push(this);
  }

  /** Whether the numbers of the definition hold for every key. */
  get isOwn(): boolean {
    return this.current === this.own && this.overrides === undefined;
  }

  /** Whether it follows changes of another policy's limit. */
  get isFollower(): boolean {
    return this.leader !== undefined;
  }

  /** The keys that have an override. */
  get keys(): string[] {
    return [...(this.overrides?.keys() ?? [])];
  }

  for(_call: unknown, key: string): Policy {
    return this.overrides?.get(key) ?? this.current;
  }

  /** Takes note of what a route's requests cost. */
  noteCost(units: number): void {
    this.highestCost = Math.max(this.highestCost, units);
    this.leader?.noteCost(units);
  }

  /**
   * The policy with other numbers.
   *
   * @throws RateLimitError as `definePolicy` does
   */
  with({ limit, burst }: LimitNumbers): Policy {
    return this.variants.with({ limit, burst });
  }

  /**
   * The same, but not with numbers that shut a route out. A limit of 0 may be meant.
   *
   * @throws RateLimitError `RL_COST_NEVER_PASSES`, and as {@link with} does
   */
  checked(numbers: LimitNumbers): Policy {
    const policy = this.variants.checked(numbers);
    const { name, burst } = policy;
    if (!this.shutsOut(policy)) return policy;
    throw new RateLimitError(
      'RL_COST_NEVER_PASSES',
      `${name}: requests of cost ${this.highestCost} could never pass ${burst} at once; use at least that, or 0 to deny everything`,
    );
  }

  /** Whether a route could never be called under these numbers, though they deny not everything. */
  shutsOut({ limit, burst }: Policy): boolean {
    return limit > 0 && this.highestCost > burst;
  }

  /** Puts what was set in force. `undefined`: the definition's numbers, or for a key those of all keys. */
  put(key: string | undefined, policy: Policy | undefined): void {
    if (key === undefined) {
      this.current = policy ?? this.own;
    } else if (policy) {
      (this.overrides ??= new Map()).set(key, policy);
    } else if (this.overrides?.delete(key) && this.overrides.size === 0) {
      this.overrides = undefined;
    }
    for (const each of this.followers) each.put(key, policy && withId(policy, each.own.id));
  }

  /** Forgets all that was set. */
  restore(): void {
    this.current = this.own;
    this.overrides = undefined;
    for (const each of this.followers) each.restore();
  }
}
