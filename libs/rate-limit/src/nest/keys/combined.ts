import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { byIp } from './by-ip.js';
import type { KeyResolver, Partition, Phase } from './key-resolver.js';

/** Late as soon as one of them is: it waits for what that one reads. Not known where a function does not say. */
function phaseOf(resolvers: readonly KeyResolver[]): { phase?: Phase } {
  if (resolvers.some(({ phase }) => phase === 'late')) return { phase: 'late' };
  return resolvers.every(({ phase }) => phase === 'early') ? { phase: 'early' } : {};
}

/**
 * By all of them together: one quota for each combination. Where one does not apply, neither does the policy. Late as
 * soon as one of them is.
 */
export function byAll(...resolvers: KeyResolver[]): KeyResolver {
  const resolver: KeyResolver = async (context, request, settings) => {
    const keys = await Promise.all(resolvers.map(async (each) => each(context, request, settings)));
    if (keys.includes(undefined) || keys.includes(null)) return undefined;
    return keys.map(partOf).join('+');
  };
  return Object.assign(resolver, phaseOf(resolvers));
}

/** Escaped, so that `a+b` and `c` are not `a` and `b+c`. */
function partOf(key: Partition): string {
  if (typeof key === 'string' || Number.isFinite(key)) return String(key).replace(/[%+]/g, encodeURIComponent);
  throw new RateLimitError('RL_KEY_INVALID', `byAll: a key must be text or a number, got ${shown(key)}`);
}

/**
 * By the first of them that the request answers; by its address when a built-in one is among them and none does. Late
 * as soon as one of them is.
 */
export function byFirst(...resolvers: KeyResolver[]): KeyResolver {
  const own: KeyResolver = async (context, request, settings) => {
    for (const each of resolvers) {
      const key = await (each.own ?? each)(context, request, settings);
      if (key !== undefined && key !== null) return key;
    }
    return undefined;
  };
  const builtIn = resolvers.some((each) => each.own);
  const resolver: KeyResolver = async (context, request, settings) =>
    (await own(context, request, settings)) ?? (builtIn ? byIp(context, request, settings) : undefined);
  return Object.assign(resolver, phaseOf(resolvers), builtIn && { own });
}
