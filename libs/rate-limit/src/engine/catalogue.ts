import { CONCURRENCY } from '../core/algorithms/index.js';
import { atPlace, RateLimitError } from '../core/errors.js';
import { oneLine, shown } from '../core/shown.js';
import { DEFINING, type Policy, type PolicyDefinition } from '../core/policy.js';
import { LivePolicy } from './limits/live-policy.js';
import type { Lists } from './lists/lists.js';
import type { PolicySource } from './policy-source.js';

/** A policy with a name. */
export interface CataloguePolicy {
  readonly name: string;
  readonly source: PolicySource;
  readonly lists: Lists | undefined;
  /** Whether each handler has its own quota, so that the name does not say which one is meant. */
  readonly isPerHandler?: boolean;
}

/** A policy as it is written down, in the options or on a route. */
export type NamedOptions = { readonly name?: string | undefined } & {
  readonly [Part in keyof PolicyDefinition]?: unknown;
};

/**
 * The policies with a name. One name has one definition, whether it is in the options or on a route.
 *
 * @typeParam Options a policy as it is written down
 * @typeParam Entry what becomes of it
 */
export class Catalogue<Options extends NamedOptions, Entry extends CataloguePolicy> {
  private readonly entries = new Map<string, { entry: Entry; options: Options }>();

  /**
   * @param policies by name
   * @param compile checks a policy, and throws a `RateLimitError` if it is wrong
   * @param more further parts of a definition, beside its numbers
   * @throws RateLimitError that names the policy
   */
  constructor(
    policies: Record<string, Options> = {},
    private readonly compile: (options: Options) => Entry,
    private readonly more: readonly (keyof Options & string)[] = [],
  ) {
    for (const [name, options] of Object.entries(policies)) {
      atPlace(`policies.${oneLine(name)}`, () => this.define({ ...options, name: checkedName(name, options) }));
    }
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  /** The names, for messages. */
  get contents(): string {
    return this.names.length > 0 ? `the catalogue has ${this.names.join(', ')}` : 'the catalogue is empty';
  }

  get(name: string): Entry | undefined {
    return this.entries.get(name)?.entry;
  }

  /** The policies whose numbers are in their definition. */
  get livePolicies(): LivePolicy[] {
    return [...this.entries.values()].map(({ entry }) => entry.source as unknown).filter(isLive);
  }

  /**
   * The source of a policy whose numbers are in its definition, for code that has no request.
   *
   * @param fix for the error about a policy whose numbers depend on the request
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`
   */
  live(name: string, fix: string): LivePolicy {
    const source: unknown = this.get(name)?.source;
    if (isLive(source)) return source;
    if (!source) {
      throw new RateLimitError('RL_UNKNOWN_POLICY', `the policy ${shown(name)} is not defined; ${this.contents}`);
    }
    const why =
      (source as PolicySource).varies === 'all'
        ? `the policy ${shown(name)} looks up its numbers for each request`
        : `the limit of the policy ${shown(name)} is a function of the request`;
    throw new RateLimitError('RL_POLICY_DYNAMIC', `${why}; ${fix}`);
  }

  /** Whether these options define a policy. Otherwise they only use one by its name. */
  isDefinition(options: object): options is Options {
    return this.parts.some((part) => (options as Options)[part] !== undefined);
  }

  /**
   * Adds a definition. An equal one under a known name returns the known entry.
   *
   * @throws RateLimitError `RL_POLICY_CONFLICT`, and those of `compile`
   */
  define(options: Options): Entry {
    const entry = this.compile(options);
    const known = this.entries.get(entry.name);
    if (!known) {
      this.entries.set(entry.name, { entry, options });
      return entry;
    }
    const differs = this.parts.find((part) => !isSame(part, entry, known.entry, options, known.options));
    if (differs === undefined) return known.entry;
    throw new RateLimitError(
      'RL_POLICY_CONFLICT',
      `the policy ${shown(entry.name)} is defined twice, with ${differs} ${shown(known.options[differs])} and ${shown(options[differs])}; ` +
        this.adviceOn(entry.name),
    );
  }

  /** What to do about a second definition of a name. */
  protected adviceOn(name: string): string {
    return `use another name than ${shown(name)} for one of them`;
  }

  private get parts(): readonly (keyof Options & string)[] {
    return [...DEFINING, ...this.more];
  }
}

const isLive = (source: unknown): source is LivePolicy => source instanceof LivePolicy;

/** In the catalogue a policy's name is its key. */
function checkedName(key: string, options: { name?: unknown }): string {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RateLimitError('RL_OPTION_INVALID', `a policy must be an object, got ${shown(options)}`);
  }
  if (options.name === undefined || options.name === key) return key;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `a policy's name in the catalogue is its key there, ${shown(key)}; leave out name, got ${shown(options.name)}`,
  );
}

/** Compared as they are judged: '1m' is 60000, and a burst that is left out is its default. */
function isSame<O extends NamedOptions>(
  part: keyof O & string,
  { source: a }: CataloguePolicy,
  { source: b }: CataloguePolicy,
  x: O,
  y: O,
): boolean {
  if (part === 'blockFor') return a.own.blocks?.text === b.own.blocks?.text;
  // The period of concurrency is its lease, which is compared as such.
  if (part === 'window') return a.own.algorithm === CONCURRENCY || a.own.period.text === b.own.period.text;
  const isKnown = a.varies === 'never' && b.varies === 'never' && part in a.own;
  return isKnown ? a.own[part as keyof Policy] === b.own[part as keyof Policy] : x[part] === y[part];
}
