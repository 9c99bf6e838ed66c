import { oneLine, placed, RateLimitError, shown } from '../../core/errors.js';
import type { Policy } from '../../core/policy.js';
import { withoutBlocks } from '../../core/store.js';
import type { PolicyOptions, PolicyReference } from '../options.js';
import { ruleOf, USE_KEYS, usedAs, type NumberedRule, type Rule } from './rule.js';
import { RESOLVE_KEYS } from '../resolve/resolved-policy.js';

/** How a policy is asked for: by name, spelled out, or by name with another use. */
export type Asked = string | PolicyOptions | PolicyReference;

const DEFINING = ['algorithm', 'limit', 'window', 'burst', 'onStoreFailure', 'blockFor', ...RESOLVE_KEYS] as const;

const TO_CHANGE = `a route may change ${USE_KEYS.join(', ')} only`;

/** Every named policy, each with one definition, whether the module's options name it or a route does. */
export class Catalogue {
  private readonly rules = new Map<string, { rule: Rule; options: PolicyOptions }>();

  /**
   * @param canBlock whether the store can, as `blockFor` asks
   * @throws RateLimitError naming the policy that is wrong
   */
  constructor(
    policies: Record<string, Omit<PolicyOptions, 'name'>> = {},
    readonly canBlock = true,
  ) {
    for (const [name, options] of Object.entries(policies)) {
      placed(`policies.${oneLine(name)}`, () =>
        this.define({ ...options, name: nameOf(name, options as { name?: unknown }) }),
      );
    }
  }

  get names(): string[] {
    return [...this.rules.keys()];
  }

  get(name: string): Rule | undefined {
    return this.rules.get(name)?.rule;
  }

  /**
   * The rule of a policy whose limit is a number, for code that has no request.
   *
   * @param fix what to do about one that has none
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`
   */
  numbered(name: string, fix: string): NumberedRule {
    const rule = this.get(name);
    if (rule?.policy && rule.live) return rule as NumberedRule;
    throw rule
      ? new RateLimitError(
          'RL_POLICY_DYNAMIC',
          `${rule.lookup ? `the numbers of ${shown(name)} are looked up for a request` : `the limit of ${shown(name)} is a function of the request`}; ${fix}`,
        )
      : new RateLimitError(
          'RL_UNKNOWN_POLICY',
          `there is no policy ${shown(name)}; the catalogue has ${this.names.join(', ') || 'none'}`,
        );
  }

  /** Takes in what a route spells out under a name, so that others may ask for it by name, whichever comes first. */
  learn(asked: Asked): void {
    if (typeof asked === 'object' && asked?.name !== undefined && isDefinition(asked)) this.define(asked);
  }

  /**
   * The rule that is asked for. A policy without a name belongs to `owner`.
   *
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_CONFLICT`, and whatever is wrong with one spelled out
   */
  ruleFor(asked: Asked, owner: string): Rule {
    if (typeof asked === 'string') return this.known(asked);
    if (typeof asked !== 'object' || asked === null) {
      throw new RateLimitError('RL_OPTION_INVALID', `a policy must be a name or an object, got ${shown(asked)}`);
    }
    if (asked.name === undefined) return this.compiled(asked as PolicyOptions, owner);
    if (isDefinition(asked)) return usedAs(this.define(asked), asked);
    return usedAs(this.known(asked.name), asked);
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

  private compiled(options: PolicyOptions, owner?: string): Rule {
    const rule = ruleOf(options, owner);
    if (options.blockFor !== undefined && !this.canBlock) throw withoutBlocks();
    return rule;
  }

  /** One name has one definition; a second one that says the same is the first. */
  private define(options: PolicyOptions): Rule {
    if (options.limit === undefined && options.window === undefined && this.rules.has(options.name!)) {
      throw new RateLimitError(
        'RL_POLICY_CONFLICT',
        `${shown(options.name)} is defined elsewhere, and ${DEFINING.filter((part) => options[part] !== undefined).join(', ')} ` +
          `is its definition's to say; ${TO_CHANGE}`,
      );
    }
    const rule = this.compiled(options);
    const known = this.rules.get(rule.name);
    if (!known) {
      this.rules.set(rule.name, { rule, options });
      return rule;
    }
    const differs = DEFINING.find((part) => !same(part, rule, known.rule, options, known.options));
    if (differs === undefined) return known.rule;
    throw new RateLimitError(
      'RL_POLICY_CONFLICT',
      `${shown(rule.name)} is defined twice, with ${differs} ${shown(known.options[differs])} and ${shown(options[differs])}; ` +
        `use two names, or leave out what the catalogue says; ${TO_CHANGE}`,
    );
  }
}

/** A policy of the catalogue is called by its key there. */
function nameOf(key: string, options: { name?: unknown }): string {
  if (options?.name === undefined || options.name === key) return key;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `a policy's name in the catalogue is its key there, ${shown(key)}; leave out name, got ${shown(options.name)}`,
  );
}

/** Compared as they are judged: '1m' is 60000, and a burst left out is its default. */
const same = (part: (typeof DEFINING)[number], a: Rule, b: Rule, x: PolicyOptions, y: PolicyOptions): boolean => {
  if (part === 'blockFor') return a.policyFor(1).blocks?.text === b.policyFor(1).blocks?.text;
  return a.policy && b.policy ? a.policy[part as keyof Policy] === b.policy[part as keyof Policy] : x[part] === y[part];
};

const isDefinition = (asked: PolicyOptions | PolicyReference): asked is PolicyOptions =>
  DEFINING.some((part) => (asked as PolicyOptions)[part] !== undefined);
