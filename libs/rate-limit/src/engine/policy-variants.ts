import { checkedPolicy, type Policy, type UncheckedDefinition } from '../core/policy.js';
import { windowOf } from '../core/window-of.js';

/** Numbers in place of those of a definition. A window, a burst or a mode that is undefined is the definition's. */
export type PolicyNumbers = Pick<UncheckedDefinition, 'limit' | 'window' | 'burst' | 'mode'>;

/**
 * How many variants are kept, of all policies and handlers together, in about 12 MB. Callers choose the numbers, so there
 * must be a bound, and there may be hundreds of handlers with their own quotas.
 */
const MOST_KEPT = 10_000;

/** By the number of their definition, and their own numbers. The oldest go first. */
const kept = new Map<string, Policy>();
let definitions = 0;

/** A definition with other numbers. Each variant is checked once and kept, because checking for each call is slow. */
export class PolicyVariants {
  /** The policy by the numbers of the definition. */
  readonly own: Policy;
  private readonly number = ++definitions;

  /**
   * @param owner the route that a policy without a name belongs to
   * @throws RateLimitError as `definePolicy` does
   */
  constructor(
    private readonly definition: UncheckedDefinition,
    private readonly owner?: string,
  ) {
    this.own = checkedPolicy(definition, owner);
  }

  /**
   * The policy with these numbers.
   *
   * @throws RateLimitError as `definePolicy` does
   */
  with(numbers: PolicyNumbers): Policy {
    const { limit, burst = this.definition.burst, window, mode } = numbers;
    // As text, '5' would pass for 5.
    if (typeof limit !== 'number' || (burst !== undefined && typeof burst !== 'number')) return this.checked(numbers);
    const period = window === undefined ? this.own.period : windowOf(window);
    const id = `${this.number} ${limit} ${period.text} ${burst} ${mode}`;
    let policy = kept.get(id);
    if (!policy) {
      policy = this.checked(numbers);
      if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!);
      kept.set(id, policy);
    }
    return policy;
  }

  /** The same, always checked and not kept. */
  checked({ limit, window, burst, mode }: PolicyNumbers): Policy {
    const { definition } = this;
    const numbers = {
      limit,
      window: window ?? definition.window,
      burst: burst ?? definition.burst,
      mode: mode ?? definition.mode,
    };
    return checkedPolicy({ ...definition, ...numbers }, this.owner);
  }
}
