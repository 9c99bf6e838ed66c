import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { keyOfApiKey } from '../../engine/identity/api-key.js';
import { headerOf, type RateLimitRequest } from '../request/request.js';
import { byIp } from './by-ip.js';
import { CalledByMistake, type KeyResolver, type Phase } from './key-resolver.js';
import type { KeySettings } from './key-settings.js';

/** A resolver that falls back on the address: a caller must not escape a quota by leaving out who it is. */
function byIdentity(
  scheme: string,
  phase: Phase,
  read: (request: RateLimitRequest, settings: KeySettings) => string | number | undefined,
): KeyResolver {
  const own: KeyResolver = (_context, request, settings) => {
    const identity = read(request, settings);
    if (identity === undefined || identity === null || identity === '') return undefined;
    if (typeof identity === 'string' || Number.isFinite(identity)) return `${scheme}:${identity}`;
    throw new RateLimitError(
      'RL_KEY_INVALID',
      `${scheme}: an identity must be text or a number, got ${shown(identity)}`,
    );
  };
  const resolver: KeyResolver = (context, request, settings) =>
    request
      ? (own(context, request, settings) ?? byIp(context, request, settings))
      : (new CalledByMistake(NAMES[scheme] ?? 'byHeader(…)') as never);
  return Object.assign(resolver, { own: Object.assign(own, { phase }), phase });
}

const NAMES: Record<string, string | undefined> = { user: 'byUser', tenant: 'byTenant', key: 'byApiKey' };

/**
 * By the user that your guard put on the request: `user.id`, else `user.sub` (`keys.user` changes that); the address
 * of an anonymous one. Decided late, after your guards.
 */
export const byUser: KeyResolver = byIdentity('user', 'late', (request, settings) => settings.user(request));

/** By the tenant: `user.tenantId`, else the header `x-tenant-id` (`keys.tenant` changes that). Decided late. */
export const byTenant: KeyResolver = byIdentity('tenant', 'late', (request, settings) => settings.tenant(request));

/**
 * By the API key in `x-api-key` (`keys.apiKeyHeader`), or the address of a request without one. Only a digest is kept,
 * the first 132 bits of SHA-256: a key is a secret. Nobody has checked the key yet, so add a policy `byIp` where
 * made-up keys would pay.
 */
export const byApiKey: KeyResolver = byIdentity('key', 'early', (request, { apiKeyHeader }) => {
  const key = headerOf(request, apiKeyHeader);
  return key && keyOfApiKey(key).slice('key:'.length);
});

/**
 * By a request header's text, or the address of a request without it. The caller chooses it, so do not let it be the
 * only key of a policy that protects.
 *
 * @param name the header's name, in any case
 * @throws RateLimitError `RL_KEYS_INVALID` when there is none
 */
export function byHeader(name: string): KeyResolver {
  if (typeof name !== 'string' || name === '') {
    throw new RateLimitError('RL_KEYS_INVALID', `byHeader needs the name of a header, got ${shown(name)}`);
  }
  const header = name.toLowerCase();
  return byIdentity(`header.${header}`, 'early', (request) => headerOf(request, header));
}
