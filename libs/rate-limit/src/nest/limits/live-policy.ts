import { RateLimitError } from '../../core/errors.js';
import type { LimitNumbers } from '../../core/limit-book.js';
import type { Policy } from '../../core/policy.js';

/** How many policies for numbers that were set are kept ready. */
const REMEMBERED_POLICIES = 1_000;

/** A policy whose numbers may change while the application runs: what holds now, for all and for single keys. */
export class LivePolicy {
  /** What holds for whoever has no numbers of his own. */
  current: Policy;
  private overrides: Map<string, Policy> | undefined;
  private readonly known = new Map<string, Policy>();
  /** The most that a request is known to cost. */
  private dearest = 0;

  /**
   * @param own as it is defined
   * @param define checks numbers as those of the definition are
   */
  constructor(
    readonly own: Policy,
    private readonly define: (numbers: LimitNumbers) => Policy,
  ) {
    this.current = own;
  }

  /** Whether its own numbers hold for everybody. */
  get isOwn(): boolean {
    return this.current === this.own && this.overrides === undefined;
  }

  /** Those who have numbers of their own. */
  get keys(): string[] {
    return [...(this.overrides?.keys() ?? [])];
  }

  /** What holds for a key. */
  for(key: string): Policy {
    return this.overrides?.get(key) ?? this.current;
  }

  /** Takes note of what a route's requests cost. */
  costs(units: number): void {
    this.dearest = Math.max(this.dearest, units);
  }

  /**
   * The policy with other numbers.
   *
   * @throws RateLimitError as `definePolicy` does
   */
  with({ limit, burst }: LimitNumbers): Policy {
    const numbers = `${limit} ${burst}`;
    let policy = this.known.get(numbers);
    if (!policy) {
      policy = this.define({ limit, burst });
      if (this.known.size < REMEMBERED_POLICIES) this.known.set(numbers, policy);
    }
    return policy;
  }

  /**
   * The same, but not with numbers under which some route could never be called. 0 may be meant.
   *
   * @throws RateLimitError `RL_COST_NEVER_PASSES`, and as {@link with} does
   */
  checked(numbers: LimitNumbers): Policy {
    // Not one that is kept ready: there '5' would pass for 5.
    const policy = this.define(numbers);
    const { name, burst } = policy;
    if (!this.shutsOut(policy)) return policy;
    throw new RateLimitError(
      'RL_COST_NEVER_PASSES',
      `${name}: requests of cost ${this.dearest} could never pass ${burst} at once; use at least that, or 0 to deny everything`,
    );
  }

  /** Whether some route could never be called under it, though not all are closed. */
  shutsOut({ limit, burst }: Policy): boolean {
    return limit > 0 && this.dearest > burst;
  }

  /** Puts what was set in the place of what held; nothing: the policy's own, or of a key that of all. */
  take(key: string | undefined, policy: Policy | undefined): void {
    if (key === undefined) {
      this.current = policy ?? this.own;
    } else if (policy) {
      (this.overrides ??= new Map()).set(key, policy);
    } else if (this.overrides?.delete(key) && this.overrides.size === 0) {
      this.overrides = undefined;
    }
  }

  /** Forgets all that was set. */
  restore(): void {
    this.current = this.own;
    this.overrides = undefined;
  }
}
