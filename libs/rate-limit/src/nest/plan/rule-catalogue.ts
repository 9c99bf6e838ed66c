import { RateLimitError } from '../../core/errors.js';
import { withoutBlocks } from '../../core/blocks/blocking-store.js';
import { shown } from '../../core/shown.js';
import { Catalogue } from '../../engine/catalogue.js';
import type { PolicyOptions, PolicyReference } from '../options.js';
import { RESOLVE_KEYS } from '../resolve/resolved-policy.js';
import { ruleOf, USE_KEYS, withUse, type Rule } from './rule.js';

/** How a handler asks for a policy: by name, spelled out, or by name with another use. */
export type RequestedPolicy = string | PolicyOptions | PolicyReference;

/** The policies with a name, whether the module's options define them or a route does. */
export class RuleCatalogue extends Catalogue<PolicyOptions, Rule> {
  /**
   * @param canBlock whether the store can, as `blockFor` asks
   * @throws RateLimitError that names the policy
   */
  constructor(
    policies: Record<string, Omit<PolicyOptions, 'name'>> = {},
    private readonly canBlock = true,
  ) {
    super(policies, (options) => blockable(ruleOf(options), canBlock), RESOLVE_KEYS, USE_KEYS);
  }

  /** Takes in what a route defines under a name, so that others may ask for it by name, whichever comes first. */
  learn(requested: RequestedPolicy): void {
    if (typeof requested !== 'object' || requested?.name === undefined) return;
    if (this.isDefinition(requested)) this.define(requested);
  }

  /**
   * The rule that a handler asks for. A policy without a name belongs to `owner`.
   *
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_CONFLICT`, and what is wrong with a policy spelled out
   */
  ruleFor(requested: RequestedPolicy, owner: string): Rule {
    if (typeof requested === 'string') return this.known(requested);
    if (typeof requested !== 'object' || requested === null) {
      throw new RateLimitError('RL_OPTION_INVALID', `a policy must be a name or an object, got ${shown(requested)}`);
    }
    if (requested.name === undefined) return blockable(ruleOf(requested as PolicyOptions, owner), this.canBlock);
    const rule = this.isDefinition(requested) ? this.define(requested) : this.known(requested.name);
    return withUse(rule, requested);
  }

  private known(name: string): Rule {
    const rule = this.get(name);
    if (rule) return rule;
    const known = this.names.length > 0 ? `the catalogue has ${this.names.join(', ')}` : 'the catalogue is empty';
    throw new RateLimitError(
      'RL_UNKNOWN_POLICY',
      `asks for ${shown(name)}; ${known}. Add it to policies of RateLimitModule.forRoot(), or spell the policy out`,
    );
  }
}

/** @throws RateLimitError `RL_STORE_WITHOUT_BLOCKS` */
function blockable(rule: Rule, canBlock: boolean): Rule {
  if (rule.source.own.blocks && !canBlock) throw withoutBlocks();
  return rule;
}
