import { definePolicy, type Policy, type PolicyDefinition } from '../core/policy.js';
import { windowOf } from '../core/window-of.js';

/** Numbers in place of those of a definition. A window or a burst that is undefined is the definition's. */
export type PolicyNumbers = Pick<PolicyDefinition, 'limit'> & Partial<Pick<PolicyDefinition, 'window' | 'burst'>>;

/** How many variants of a policy are kept, in about 5 MB. Callers choose the numbers, so there must be a bound. */
const MOST_KEPT = 10_000;

/** A definition with other numbers. Each variant is checked once and kept, because checking for each call is slow. */
export class PolicyVariants {
  /** The policy by the numbers of the definition. */
  readonly own: Policy;
  private readonly known = new Map<string, Policy>();

  /**
   * @param owner the route that a policy without a name belongs to
   * @throws RateLimitError as `definePolicy` does
   */
  constructor(
    private readonly definition: PolicyDefinition,
    private readonly owner?: string,
  ) {
    this.own = definePolicy(definition, owner);
  }

  /**
   * The policy with these numbers.
   *
   * @throws RateLimitError as `definePolicy` does
   */
  with(numbers: PolicyNumbers): Policy {
    const { limit, burst = this.definition.burst, window } = numbers;
    // As text, '5' would pass for 5.
    if (typeof limit !== 'number' || (burst !== undefined && typeof burst !== 'number')) return this.checked(numbers);
    const period = window === undefined ? this.own.period : windowOf(window);
    const id = `${limit} ${period.text} ${burst}`;
    let policy = this.known.get(id);
    if (!policy) {
      policy = this.checked(numbers);
      if (this.known.size >= MOST_KEPT) this.known.delete(this.known.keys().next().value!);
      this.known.set(id, policy);
    }
    return policy;
  }

  /** The same, always checked and not kept. */
  checked({ limit, window, burst }: PolicyNumbers): Policy {
    const { definition } = this;
    const numbers = {
      limit,
      window: window ?? definition.window,
      burst: burst ?? definition.burst,
    };
    return definePolicy({ ...definition, ...numbers }, this.owner);
  }
}
