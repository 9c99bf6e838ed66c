import { refuseBareNumber } from '../../core/bare-numbers.js';
import { milliseconds, type Duration } from '../../core/duration.js';
import { shown } from '../../core/shown.js';
import { checkKnownKeys, checkTimeout } from '../../core/checks.js';
import { RateLimitError } from '../../core/errors.js';
import type { PolicyVariants } from '../../engine/policy-variants.js';
import { checkResolver } from '../keys/check-resolver.js';
import { Lookup, type LookupSettings } from './lookup.js';
import { RESOLVE_CACHE_KEYS, type ResolveCache, type ResolveOptions } from './resolved-policy.js';

const DEFAULT_TIMEOUT = 250;
const DEFAULT_MAX = 10_000;

/**
 * The lookup of a policy, if it has one.
 *
 * @param variants the policy with its own numbers, and with other numbers
 * @param hooks for tests
 * @throws RateLimitError `RL_OPTION_INVALID`, `RL_OPTION_UNKNOWN`, `RL_TIMEOUT_INVALID`
 */
export function lookupOf(
  { limit, resolve, resolveCache, resolveTimeout }: ResolveOptions & { limit: unknown },
  variants: PolicyVariants,
  hooks?: Pick<LookupSettings, 'now' | 'warn'>,
): Lookup | undefined {
  const { name } = variants.own;
  if (resolve === undefined) {
    if (resolveCache === undefined && resolveTimeout === undefined) return undefined;
    const option = resolveCache === undefined ? 'resolveTimeout' : 'resolveCache';
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `${name}: ${option} needs resolve, which is missing; add resolve, or remove ${option}`,
    );
  }
  if (typeof resolve !== 'function') throw invalid(name, 'resolve must be a function', resolve);
  if (typeof limit === 'function') {
    throw invalid(
      name,
      'limit must be a number if there is a resolve function, because it applies when resolve gives no answer',
      limit,
    );
  }
  const timeout = resolveTimeout ?? DEFAULT_TIMEOUT;
  checkTimeout(timeout, `${name}: resolveTimeout`);
  const cache = resolveCache === undefined ? undefined : cacheOf(resolveCache, name);
  return new Lookup(variants, { resolve, timeout, cache, ...hooks });
}

function cacheOf(options: ResolveCache, name: string): LookupSettings['cache'] {
  checkKnownKeys(options, RESOLVE_CACHE_KEYS, `${name}: resolveCache`);
  const { by, for: holds, max = DEFAULT_MAX } = options;
  checkResolver(by, `${name}: resolveCache.by`);
  if (!Number.isSafeInteger(max) || max < 1) {
    throw invalid(name, 'resolveCache.max must be a whole number, at least 1', max);
  }
  refuseBareNumber(holds, 'RL_OPTION_INVALID', `${name}: resolveCache.for`);
  return { by, span: spanOf(holds, name), max };
}

function spanOf(duration: Duration, name: string): number {
  try {
    return milliseconds(duration);
  } catch {
    throw invalid(name, `resolveCache.for must be a span like '30s', or a whole number of ms`, duration);
  }
}

const invalid = (name: string, rule: string, value: unknown): RateLimitError =>
  new RateLimitError('RL_OPTION_INVALID', `${name}: ${rule}, got ${shown(value)}`);
