import { refuseBareNumbers } from '../../core/bare-numbers.js';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { checkKnownKeys } from '../../core/checks.js';
import { type Policy } from '../../core/policy.js';
import { textOf } from '../../engine/identity/key-text.js';
import type { PolicyVariants } from '../../engine/policy-variants.js';
import { checkCost } from '../request/per-request.js';
import type { ResolvedPolicy } from './resolved-policy.js';

/** The outcome of a lookup for a request. Without a key or a cost, the rule's own apply. */
export interface Resolution {
  readonly policy: Policy;
  readonly key: string | undefined;
  readonly cost: number | undefined;
}

/** Plans with more windows than these are unlikely. Windows that are computed, as until midnight, soon are more. */
const MOST_WINDOWS = 10;

const PARTS = ['limit', 'window', 'burst', 'key', 'cost'];

/** Reads what `resolve` returns. */
export class ResolutionReader {
  /** The outcome of a lookup that returned nothing. */
  readonly own: Resolution;

  /** The windows that were returned, until there are too many. */
  private windows: Set<string> | undefined = new Set();

  /** @param manyWindows is called once, when there were too many different windows */
  constructor(
    private readonly variants: PolicyVariants,
    private readonly manyWindows: (count: number) => void = () => undefined,
  ) {
    this.own = { policy: variants.own, key: undefined, cost: undefined };
  }

  /**
   * Reads an answer. If one field is wrong, none is used.
   *
   * @throws RateLimitError that names the field and the value
   */
  read(answer: unknown): Resolution {
    if (answer === undefined || answer === null) return this.own;
    checkKnownKeys(answer, PARTS, 'the value that resolve returns');
    // Read once: a getter may return something else the next time.
    const { limit, window, burst, key, cost } = answer as ResolvedPolicy;
    refuseBareNumbers({ window });
    const isOwn = (limit ?? window ?? burst ?? undefined) === undefined;
    const policy = isOwn
      ? this.own.policy
      : this.variants.with({
          limit: limit ?? this.variants.own.limit,
          window: window ?? undefined,
          burst: burst ?? undefined,
        });
    if (this.windows && window !== undefined && window !== null) this.count(policy.period.id, this.windows);
    if (cost !== undefined && cost !== null) checkCost(cost, 'resolve');
    return { policy, key: keyOf(key), cost: cost ?? undefined };
  }

  private count(window: string, seen: Set<string>): void {
    if (seen.add(window).size <= MOST_WINDOWS) return;
    this.windows = undefined;
    this.manyWindows(seen.size);
  }
}

function keyOf(key: unknown): string | undefined {
  if (key === undefined || key === null) return undefined;
  const text = textOf(key);
  if (text !== undefined) return text;
  throw new RateLimitError('RL_KEY_INVALID', `resolve: key must be text, a number or an id, got ${shown(key)}`);
}
