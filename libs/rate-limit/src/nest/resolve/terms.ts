import { milliseconds } from '../../core/duration.js';
import { RateLimitError, shown } from '../../core/errors.js';
import { checkKnownKeys, checkLimit, definePolicy, type Policy, type PolicyDefinition } from '../../core/policy.js';
import { checkCost, textOf } from '../request/values.js';
import type { ResolvedPolicy } from './resolved-policy.js';

/** What holds for a request. Without a key or a cost: the policy's own. */
export interface Terms {
  readonly policy: Policy;
  readonly key: string | undefined;
  readonly cost: number | undefined;
}

const PARTS = ['limit', 'window', 'burst', 'key', 'cost'];

/** How many policies for looked up numbers are kept ready. */
const REMEMBERED_POLICIES = 1_000;

/** Makes terms of what a lookup returned. */
export class TermsReader {
  /** What holds when a lookup says nothing. */
  readonly own: Terms;
  private readonly known = new Map<string, Policy>();

  /**
   * @param owner the route that a policy without a name belongs to
   * @throws RateLimitError as `definePolicy` does
   */
  constructor(
    private readonly definition: PolicyDefinition,
    private readonly owner?: string,
  ) {
    this.own = { policy: definePolicy(definition, owner), key: undefined, cost: undefined };
  }

  /**
   * All of an answer, or none of it.
   *
   * @throws RateLimitError that names what is wrong with it
   */
  termsOf(answer: unknown): Terms {
    if (answer === undefined || answer === null) return this.own;
    checkKnownKeys(answer, PARTS, 'what resolve returns');
    // Read once: a getter may say something else the next time.
    const { limit, window, burst, key, cost } = answer as ResolvedPolicy;
    const own = this.definition;
    const isOwn = (limit ?? window ?? burst ?? undefined) === undefined;
    const policy = isOwn
      ? this.own.policy
      : this.policyFor(limit ?? own.limit, window ?? own.window, burst ?? own.burst);
    if (cost !== undefined && cost !== null) checkCost(cost, 'resolve');
    return { policy, key: keyOf(key), cost: cost ?? undefined };
  }

  private policyFor(limit: number, window: PolicyDefinition['window'], burst: number | undefined): Policy {
    const define = () => definePolicy({ ...this.definition, limit, window, burst }, this.owner);
    checkLimit(limit);
    if (burst !== undefined && typeof burst !== 'number') return define();
    const numbers = `${limit} ${milliseconds(window)} ${burst}`;
    let policy = this.known.get(numbers);
    if (!policy) {
      policy = define();
      if (this.known.size < REMEMBERED_POLICIES) this.known.set(numbers, policy);
    }
    return policy;
  }
}

function keyOf(key: unknown): string | undefined {
  if (key === undefined || key === null) return undefined;
  if (typeof key === 'string' || Number.isFinite(key)) return textOf(key as string | number);
  throw new RateLimitError('RL_KEY_INVALID', `resolve: key must be text or a number, got ${shown(key)}`);
}
