import { hasSlots } from '../core/algorithms/index.js';
import type { Decider, Decision } from '../core/decision.js';
import { RateLimitError } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import type { PolicyMode } from '../core/policy.js';
import { isInShadow } from '../core/shadow.js';
import { shown } from '../core/shown.js';
import type { CataloguePolicy } from './catalogue.js';
import type { LimiterParts } from './limiter-parts.js';
import type { LivePolicy } from './limits/live-policy.js';
import { verdictOn } from './lists/listed-decision.js';
import type { ListVerdict } from './lists/lists.js';

/** What a policy holds for one caller. */
export interface CallerQuota {
  /** The quota per window, in units, with limits that were set. */
  readonly limit: number;
  /** Units available now; 0 under a block. */
  readonly remaining: number;
  /** How long until more becomes available, in milliseconds; 0 when it is full. */
  readonly resetAfter: number;
  /** How long a block still lasts, in milliseconds; 0: the caller is not blocked. */
  readonly blockedFor: number;
  /** `concurrency` only: the slots in use, up to the limit. */
  readonly inUse?: number;
  /**
   * Who judged. `local`: this process alone, because the store did not answer. `open`: nothing judged, so the numbers are
   * those of a full quota.
   */
  readonly by: Decider;
}

/** The state of one caller under one policy of the catalogue. */
export interface CallerState {
  /** The policy's name. */
  readonly policy: string;
  /** The key that was looked at: an address is written as a `Limiter` writes it. */
  readonly key: string;
  /** What the policy does with hits over the limit. */
  readonly mode: PolicyMode;
  /** The list that names the caller, of the options or of the policy. It decides then, and not the quota. */
  readonly list: ListVerdict;
  /** `undefined` where it cannot be known without a request. */
  readonly quota: CallerQuota | undefined;
  /**
   * Why the quota is not known. `function`: the limit is a function of the request. `lookup`: `resolve` looks the numbers
   * up. `per-handler`: each handler has a quota of its own.
   */
  readonly unknown?: 'function' | 'lookup' | 'per-handler';
}

/**
 * The states of a caller under all policies of the catalogue. It looks at all quotas in one command, and reports nothing to
 * observers.
 *
 * @throws StoreUnavailableError
 */
export async function statesOf(parts: LimiterParts, given: string): Promise<CallerState[]> {
  const { catalogue, keys } = parts;
  if (typeof given !== 'string') {
    throw new RateLimitError('RL_KEY_INVALID', `inspect(): a key must be a string, got ${shown(given)}`);
  }
  const entries = catalogue.names.flatMap((name) => {
    const entry = catalogue.get(name);
    return entry ? [{ entry, key: keys.canonical(name, given) }] : [];
  });
  const hits = entries.flatMap(({ entry, key }): Hit[] => {
    const source = entry.source as unknown as LivePolicy;
    return unknownOf(entry) ? [] : [{ policy: source.for(undefined, key), key, cost: 0 }];
  });
  const looks = await lookAt(parts, hits);
  let next = 0;
  return entries.map(({ entry, key }) => {
    const unknown = unknownOf(entry);
    const list = verdictOn(key, given, parts.lists, entry.lists);
    if (unknown) return { policy: entry.name, key, mode: entry.source.own.mode, list, quota: undefined, unknown };
    const { policy } = hits[next]!;
    return { policy: policy.name, key, mode: policy.mode, list, quota: quotaOf(hits[next]!, looks[next++]!) };
  });
}

function unknownOf({ source, isPerHandler }: CataloguePolicy): CallerState['unknown'] {
  if (isPerHandler) return 'per-handler';
  if (source.varies === 'never') return undefined;
  return source.varies === 'all' ? 'lookup' : 'function';
}

/**
 * Asks for both kinds at the same time, so that they share a command. In one call, the store would judge the policies in
 * shadow after the others.
 */
async function lookAt({ unobserved }: LimiterParts, hits: readonly Hit[]): Promise<Decision[]> {
  const enforced = hits.filter(({ policy }) => !isInShadow(policy));
  const shadowed = hits.filter(({ policy }) => isInShadow(policy));
  const [first, second] = await Promise.all([unobserved.consume(enforced), unobserved.consume(shadowed)]);
  const looks = new Map<Hit, Decision>();
  enforced.forEach((hit, i) => looks.set(hit, first[i]!));
  shadowed.forEach((hit, i) => looks.set(hit, second[i]!.shadow ?? second[i]!));
  return hits.map((hit) => looks.get(hit)!);
}

function quotaOf({ policy }: Hit, { limit, remaining, resetAfter, blockedFor = 0, by }: Decision): CallerQuota {
  const inUse = hasSlots(policy) ? { inUse: limit - remaining } : {};
  return { limit, remaining, resetAfter, blockedFor, ...inUse, by };
}
