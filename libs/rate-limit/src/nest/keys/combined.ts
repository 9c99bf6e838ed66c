import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { canonicalRequestKey } from '../../engine/identity/ip-key.js';
import { combinedOf, eitherOf } from '../../engine/identity/key-schemes.js';
import { textOf } from '../../engine/identity/key-text.js';
import { byIp } from './by-ip.js';
import { keyName, named } from './key-name.js';
import type { KeyResolver, Partition, Phase } from './key-resolver.js';

/** Late if one of them is late, because that one must be read. Unknown if one of them is a function without a phase. */
function phaseOf(resolvers: readonly KeyResolver[]): { phase?: Phase } {
  if (resolvers.some(({ phase }) => phase === 'late')) return { phase: 'late' };
  return resolvers.every(({ phase }) => phase === 'early') ? { phase: 'early' } : {};
}

const nameOf = (combination: string, resolvers: readonly KeyResolver[]): string =>
  `${combination}(${resolvers.map((each) => keyName(each) ?? 'your function').join(', ')})`;

/**
 * Counts by all these keys together: one quota for each combination. If one of them does not apply to a request, the
 * policy does not either. It is late if one of them is late.
 */
export function byAll(...resolvers: KeyResolver[]): KeyResolver {
  const resolver: KeyResolver = async (context, request, settings) => {
    const keys = await Promise.all(resolvers.map(async (each) => each(context, request, settings)));
    if (keys.some((key) => !isGiven(key))) return undefined;
    return keys.map((key) => partOf(key, settings.ipv6Prefix)).join('+');
  };
  return assembled('byAll', resolver, resolvers, combinedOf(resolvers.map(({ schemes }) => schemes)));
}

/** Escaped, so that `a+b` and `c` are not `a` and `b+c`. */
function partOf(key: Partition, ipv6Prefix: number): string {
  const text = textOf(key);
  if (text !== undefined) return canonicalRequestKey(text, ipv6Prefix).replace(/[%+]/g, encodeURIComponent);
  throw new RateLimitError('RL_KEY_INVALID', `byAll: a key must be text, a number or an id, got ${shown(key)}`);
}

/**
 * Counts by the first of these keys that the request has. If it has none of them, it counts by its address if one of
 * them is built in; otherwise the policy does not apply. It is late if one of them is late.
 */
export function byFirst(...resolvers: KeyResolver[]): KeyResolver {
  const owns = resolvers.map((each) => each.own ?? each);
  const own: KeyResolver = async (context, request, settings) => {
    for (const each of owns) {
      const key = await each(context, request, settings);
      if (isGiven(key)) return key;
    }
    return undefined;
  };
  const builtIn = resolvers.some((each) => each.own);
  const resolver: KeyResolver = async (context, request, settings) =>
    (await own(context, request, settings)) ?? (builtIn ? byIp(context, request, settings) : undefined);
  const ownSchemes = eitherOf(owns.map(({ schemes }) => schemes));
  const schemes = builtIn ? eitherOf([ownSchemes, byIp.schemes]) : ownSchemes;
  return Object.assign(
    assembled('byFirst', resolver, resolvers, schemes),
    builtIn && { own: assembled('byFirst', own, resolvers, ownSchemes) },
  );
}

function assembled(
  combination: string,
  resolver: KeyResolver,
  of: readonly KeyResolver[],
  schemes: KeyResolver['schemes'],
): KeyResolver {
  return named(nameOf(combination, of), Object.assign(resolver, phaseOf(of), schemes && { schemes }));
}

const isGiven = (key: Partition): boolean => key !== undefined && key !== null;
