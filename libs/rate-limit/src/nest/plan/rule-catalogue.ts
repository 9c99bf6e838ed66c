import { CONCURRENCY } from '../../core/algorithms/index.js';
import { checkKnownKeys } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import { withoutHolds } from '../../core/holds/holding-store.js';
import type { LiveMode } from '../../core/limit-book.js';
import { shown } from '../../core/shown.js';
import { Catalogue } from '../../engine/catalogue.js';
import { abilitiesOf, checkAbilities, type StoreAbilities } from '../../engine/store-abilities.js';
import { withMode } from '../../engine/with-mode.js';
import type { ConcurrencyOptions, PolicyOptions, PolicyReference } from '../options.js';
import { RESOLVE_KEYS, type ResolveOptions } from '../resolve/resolved-policy.js';
import { inUse, RULE_KEYS, ruleOf, ruleOfHandler, withUse, type Rule, type WrittenPolicy } from './rule.js';

/** How a handler asks for a policy: by name, spelled out, or by name with another use. */
export type RequestedPolicy = string | ConcurrencyOptions | PolicyReference | PolicyOptions;

/** The policies with a name, defined in the module's options or on a route. */
export class RuleCatalogue extends Catalogue<WrittenPolicy, Rule> {
  /** The names that the module's options define. */
  private readonly configured: ReadonlySet<string>;

  /**
   * @param abilities what the store can do
   * @param mode the mode of policies without their own
   * @throws RateLimitError that names the policy
   */
  constructor(
    policies: Record<string, WrittenPolicy> = {},
    private readonly abilities: StoreAbilities = abilitiesOf({}),
    private readonly mode?: LiveMode,
  ) {
    super(policies, (options) => feasible(ruleOf(withMode(options, mode)), abilities), [...RESOLVE_KEYS, 'per']);
    this.configured = new Set(this.names);
  }

  /** Adds a policy that a route defines under a name, so that other routes can use the name, in any order. */
  learn(requested: RequestedPolicy): void {
    if (typeof requested !== 'object' || requested?.name === undefined) return;
    if (this.isDefinition(requested) && !this.isChange(requested)) this.define(requested);
  }

  /**
   * The rule that a handler asks for.
   *
   * @param owner the route, to which a quota of its own belongs
   * @param place what the quota is filed under if the policy has no name
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_CONFLICT`, and what is wrong with a policy spelled out
   */
  ruleFor(requested: RequestedPolicy, owner: string, place = owner): Rule {
    if (typeof requested === 'string') return this.ruleFor({ name: requested }, owner);
    if (Array.isArray(requested)) {
      throw new RateLimitError(
        'RL_OPTION_INVALID',
        `a policy must be a name or an object, got a list; write the names one after another: @RateLimit('a', 'b')`,
      );
    }
    if (typeof requested !== 'object' || requested === null) {
      throw new RateLimitError(
        'RL_OPTION_INVALID',
        `a policy must be a name or an object, got ${shown(requested)}; write @RateLimit('name'), or @RateLimit({ limit: 10, window: '1m' })`,
      );
    }
    if (requested.name === undefined) {
      return feasible(ruleOf(withMode(requested as WrittenPolicy, this.mode), place), this.abilities);
    }
    checkKnownKeys(requested, RULE_KEYS, 'a policy');
    if (this.isChange(requested)) return this.changed(requested as PolicyReference, owner);
    const rule = this.isDefinition(requested) ? this.define(requested) : this.known(requested.name);
    // What another route says beside the same definition is that route's own: a key, a cost, what counts.
    const isOfRoute = this.isDefinition(requested) && !this.configured.has(requested.name);
    const used = isOfRoute ? inUse(rule, requested) : withUse(rule, requested);
    return feasible(used.isPerHandler ? ruleOfHandler(used, { name: used.name }, owner) : used, this.abilities);
  }

  /**
   * Whether this is a policy of the catalogue with other numbers, or with `per: 'handler'`. A whole definition (limit
   * and window, or limit and `concurrency`) is a new policy, unless it has `per: 'handler'`.
   */
  private isChange(requested: Partial<WrittenPolicy>): boolean {
    const { name, algorithm, limit, window, per } = requested;
    const isWhole = limit !== undefined && (window !== undefined || algorithm === CONCURRENCY);
    if (isWhole) return per !== undefined && this.configured.has(name!);
    return this.isDefinition(requested);
  }

  private changed(requested: PolicyReference, owner: string): Rule {
    const rule = this.known(requested.name);
    const { name, per: _, ...others }: PolicyReference & ResolveOptions = requested;
    const hasNumbers = this.isDefinition(others);
    const isLookedUp = rule.source.varies === 'all' || RESOLVE_KEYS.some((part) => others[part] !== undefined);
    if (hasNumbers && isLookedUp) {
      throw new RateLimitError(
        'RL_POLICY_CONFLICT',
        `a route can neither add resolve to the policy ${shown(name)} nor give it numbers if it has resolve; use another name`,
      );
    }
    return feasible(ruleOfHandler(rule, requested, owner), this.abilities);
  }

  protected override adviceOn(name: string): string {
    return this.configured.has(name)
      ? `leave the definition out to use the catalogue's, or add per: 'handler' to give this handler its own numbers and quota`
      : super.adviceOn(name);
  }

  private known(name: string): Rule {
    const rule = this.get(name);
    if (rule) return rule;
    throw new RateLimitError(
      'RL_UNKNOWN_POLICY',
      `asks for the policy ${shown(name)}, which is not defined; ${this.contents}. Add it to policies of RateLimitModule.forRoot(), or write { limit, window } here`,
    );
  }
}

/** @throws RateLimitError `RL_STORE_WITHOUT_BLOCKS`, `RL_STORE_WITHOUT_HOLDS`, `RL_HOLD_INVALID` */
function feasible(rule: Rule, abilities: StoreAbilities): Rule {
  const { own } = rule.source;
  checkAbilities(own, abilities);
  if (!rule.final) return rule;
  if (!abilities.canHold) throw withoutHolds();
  // A denial of a handler that uses it without count would block a caller because of calls that may get all back.
  if (!own.blocks || own.considersHolds) return rule;
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `${rule.name}: a policy with blockFor whose definition has neither count nor settle needs a lease, as in lease: '30s'; ` +
      'without it, calls that are still running could block a caller',
  );
}
