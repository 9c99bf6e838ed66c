import { atPlace, RateLimitError } from '../core/errors.js';
import { oneLine, shown } from '../core/shown.js';
import type { Policy, PolicyDefinition } from '../core/policy.js';
import { LivePolicy } from './limits/live-policy.js';
import type { Lists } from './lists/lists.js';
import type { PolicySource } from './policy-source.js';

/** A policy with a name. */
export interface CataloguePolicy {
  readonly name: string;
  readonly source: PolicySource;
  readonly lists: Lists | undefined;
  /** Whether each handler has a quota of its own, so that the name alone names none. */
  readonly isPerHandler?: boolean;
}

/** A policy as it is written down, in the options or on a route. */
export type NamedOptions = { readonly name?: string | undefined } & {
  readonly [Part in keyof PolicyDefinition]?: unknown;
};

/** What a definition says, and a use of it elsewhere may not say again differently. */
export const DEFINING = ['algorithm', 'limit', 'window', 'burst', 'onStoreFailure', 'blockFor'] as const;

/**
 * The policies with a name. One name has one definition, whether the options spell it out or a route does.
 *
 * @typeParam Options a policy as it is written down
 * @typeParam Entry what becomes of it
 */
export class Catalogue<Options extends NamedOptions, Entry extends CataloguePolicy> {
  private readonly entries = new Map<string, { entry: Entry; options: Options }>();

  /**
   * @param policies by name
   * @param compile checks a policy; throws a `RateLimitError` that says what is wrong with it
   * @param more what defines a policy here, beside its numbers
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

  get(name: string): Entry | undefined {
    return this.entries.get(name)?.entry;
  }

  /** Those whose numbers are in their definition. */
  get livePolicies(): LivePolicy[] {
    return [...this.entries.values()].map(({ entry }) => entry.source as unknown).filter(isLive);
  }

  /**
   * The source of a policy whose numbers are in its definition, for code that has no request.
   *
   * @param fix what to do about one whose numbers depend on the request
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`
   */
  live(name: string, fix: string): LivePolicy {
    const source: unknown = this.get(name)?.source;
    if (isLive(source)) return source;
    if (!source) {
      throw new RateLimitError(
        'RL_UNKNOWN_POLICY',
        `there is no policy ${shown(name)}; the catalogue has ${this.names.join(', ') || 'none'}`,
      );
    }
    const why =
      (source as PolicySource).varies === 'all'
        ? `the numbers of ${shown(name)} are looked up for a request`
        : `the limit of ${shown(name)} is a function of the request`;
    throw new RateLimitError('RL_POLICY_DYNAMIC', `${why}; ${fix}`);
  }

  /** Whether these options define a policy, and do not only ask for one by name. */
  isDefinition(options: object): options is Options {
    return this.parts.some((part) => (options as Options)[part] !== undefined);
  }

  /**
   * Takes a definition in. A second one of the same name that says the same is the first.
   *
   * @throws RateLimitError `RL_POLICY_CONFLICT`, and what is wrong with the policy
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
      `${shown(entry.name)} is defined twice, with ${differs} ${shown(known.options[differs])} and ${shown(options[differs])}; ` +
        this.adviceOn(entry.name),
    );
  }

  /** What to do about a second definition of a name. */
  protected adviceOn(name: string): string {
    return `use another name than ${shown(name)}`;
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
  const isKnown = a.varies === 'never' && b.varies === 'never' && part in a.own;
  return isKnown ? a.own[part as keyof Policy] === b.own[part as keyof Policy] : x[part] === y[part];
}
