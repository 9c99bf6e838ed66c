import { algorithmOf } from '../../core/algorithms/index.js';
import { RateLimitError } from '../../core/errors.js';
import type { LimitNumbers } from '../../core/limit-book.js';
import { withId, type Policy } from '../../core/policy.js';
import type { PolicySource } from '../policy-source.js';
import type { PolicyVariants } from '../policy-variants.js';

/** The policy that judges keys without an override, as far as that is known without a call. */
export const currentOf = (source: PolicySource): Policy =>
  (source as unknown) instanceof LivePolicy ? (source as unknown as LivePolicy).current : source.own;

/**
 * A policy whose numbers are in its definition and can be changed at run time. It knows the numbers that apply now, for
 * all keys and for single keys.
 */
export class LivePolicy implements PolicySource<unknown> {
  readonly varies = 'never';
  readonly own: Policy;
  /** The policy for keys without an override. */
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

  /** Whether the definition's numbers apply to every key. */
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

  for(_call: unknown, key: string | undefined): Policy {
    return this.overrides?.get(key!) ?? this.current;
  }

  /** Notes what a route's requests cost. */
  noteCost(units: number): void {
    this.highestCost = Math.max(this.highestCost, units);
    this.leader?.noteCost(units);
  }

  /**
   * The numbers of an entry, with what it leaves out: that of a key follows what applies to all keys, that of all keys the
   * definition. A burst that is left out beside a limit is the definition's.
   */
  completed(key: string | undefined, { limit, burst, mode }: LimitNumbers): LimitNumbers {
    const base = key === undefined ? this.own : this.current;
    const hasBurst = algorithmOf(base.algorithm).defaultBurst !== undefined;
    return {
      limit: limit ?? base.limit,
      burst: burst ?? (limit === undefined && hasBurst ? base.burst : undefined),
      mode: mode ?? (base.mode === 'record' ? undefined : base.mode),
    };
  }

  /**
   * The policy with other numbers.
   *
   * @throws RateLimitError as `definePolicy` does
   */
  with({ limit = this.own.limit, burst, mode }: LimitNumbers): Policy {
    return this.variants.with({ limit, burst, mode });
  }

  /**
   * The same, but refuses numbers under which all requests of a route would be denied. A limit of 0 is accepted.
   *
   * @throws RateLimitError `RL_COST_NEVER_PASSES`, and as {@link with} does
   */
  checked({ limit = this.own.limit, burst, mode }: LimitNumbers): Policy {
    const policy = this.variants.checked({ limit, burst, mode });
    if (!this.shutsOut(policy)) return policy;
    throw new RateLimitError(
      'RL_COST_NEVER_PASSES',
      `${policy.name}: a route's requests cost ${this.highestCost}, more than the ${policy.burst} that could pass at once, so all of them would be denied; set at least ${this.highestCost}, or 0 to deny everything`,
    );
  }

  /** Whether these numbers deny all requests of a route, although the limit is not 0. */
  shutsOut({ limit, burst }: Policy): boolean {
    return limit > 0 && this.highestCost > burst;
  }

  /** Applies a limit. `undefined`: the definition's numbers, or for a key those of all keys. */
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

  /** Forgets all limits that were set. */
  restore(): void {
    this.current = this.own;
    this.overrides = undefined;
    for (const each of this.followers) each.restore();
  }
}
