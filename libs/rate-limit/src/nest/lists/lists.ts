import type { ExecutionContext } from '@nestjs/common';
import { addressOf } from '../keys/address.js';
import { sentApiKey } from '../keys/by-identity.js';
import type { KeyResolver, Partition } from '../keys/key-resolver.js';
import type { KeySettings } from '../keys/key-settings.js';
import { RateLimitRefusedException } from '../request/exceptions.js';
import type { RateLimitRequest } from '../request/request.js';
import { bitsOf } from './address-set.js';
import { DenyList, List, type DenyOptions, type ListEntry } from './list.js';

/** What the module takes, and a policy. */
export interface ListOptions {
  /**
   * Who is not limited: addresses, CIDR ranges and keys. On the module by none of its policies, on a policy not by this
   * one. Nothing is asked of Redis. A user or a tenant is found where a policy counts by it, and only there.
   */
  allow?: readonly ListEntry[] | undefined;
  /**
   * Who is refused with 403, or 429 as `{ list, status: 429 }`, before anything is charged; also whom an allow list
   * names. On the module by every handler, on a policy by those that it governs.
   */
  deny?: readonly ListEntry[] | DenyOptions | undefined;
}

/** The lists of a policy, or of the module: who is denied is denied, whoever allows him. */
export interface Lists {
  readonly allow: List | undefined;
  readonly deny: DenyList | undefined;
}

export const LIST_KEYS = ['allow', 'deny'];

/**
 * The lists that are given, and else those that were before; nothing where there are none.
 *
 * @param place what the lists are of, for errors
 * @throws RateLimitError `RL_LIST_INVALID`, `RL_OPTION_UNKNOWN`
 */
export function listsOf({ allow, deny }: ListOptions, before?: Lists, place = ''): Lists | undefined {
  if (allow === undefined && deny === undefined) return before;
  const lists = {
    allow: allow === undefined ? before?.allow : new List(allow, `${place}allow`),
    deny: deny === undefined ? before?.deny : new DenyList(deny, `${place}deny`),
  };
  return isEmpty(lists.allow) && isEmpty(lists.deny) ? undefined : lists;
}

const isEmpty = (list: List | undefined): boolean =>
  list === undefined || (list.addresses.isEmpty && list.keys.size === 0);

/** Whether it can come to that somebody is refused. */
export const isRefusing = (lists: Lists | undefined): boolean => !isEmpty(lists?.deny);

/** Whether it must be known by which keys the policies count. */
export const asksForKeys = (lists: Lists | undefined): boolean =>
  (lists?.allow?.keys.size ?? 0) + (lists?.deny?.keys.size ?? 0) > 0;

/** Whether they look at what a request says by itself of its caller: its address and its API key. */
export const isScreening = (list: List | undefined): boolean =>
  list !== undefined && (!list.addresses.isEmpty || list.hasApiKeys);

/**
 * Whether lists allow the caller by his address or his API key, whatever the keys of policies make of them.
 *
 * @param policies whose lists they are; none: the module's
 * @throws RateLimitRefusedException where they deny one of them
 */
export function isCallerAllowed(
  lists: Lists,
  request: RateLimitRequest,
  settings: KeySettings,
  policies: readonly string[],
): boolean {
  const isByAddress = isAddressAllowed(lists, request, settings, policies);
  if (!lists.allow?.hasApiKeys && !lists.deny?.hasApiKeys) return isByAddress;
  const apiKey = sentApiKey(request, settings);
  return (apiKey !== undefined && isKeyAllowed(lists, apiKey, policies)) || isByAddress;
}

/** By the address' own bits. */
function isAddressAllowed(
  { allow, deny }: Lists,
  request: RateLimitRequest,
  settings: KeySettings,
  policies: readonly string[],
): boolean {
  if ((allow?.addresses.isEmpty ?? true) && (deny?.addresses.isEmpty ?? true)) return false;
  settings.watchProxies(request);
  const address = addressOf(request.ip);
  if (!address) return false;
  const bits = bitsOf(address);
  if (deny?.addresses.holds(bits)) throw new RateLimitRefusedException(policies, deny.status);
  return allow?.addresses.holds(bits) === true;
}

/** The same of a key that a policy counts by. */
export function isKeyAllowed({ allow, deny }: Lists, key: string, policies: readonly string[]): boolean {
  if (deny?.keys.has(key)) throw new RateLimitRefusedException(policies, deny.status);
  return allow?.keys.has(key) === true;
}

/** What a rule says of keys. */
export interface KeyRule {
  readonly name: string;
  readonly key: KeyResolver;
  readonly lists: Lists | undefined;
}

/**
 * The key of a rule, as text; nothing where the rule's lists allow the caller.
 *
 * @param seen told of each key that is found, also of a caller who is allowed
 * @throws RateLimitRefusedException where they deny him
 */
export function listedKey(
  { name, key: resolver, lists }: KeyRule,
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  seen?: (key: string) => void,
): Partition | Promise<Partition> {
  const isAllowed = lists !== undefined && isCallerAllowed(lists, request, settings, [name]);
  // Of somebody who is allowed already the key counts only where it may deny him, or tell of him elsewhere.
  if (isAllowed && !lists.deny?.keys.size && !seen) return undefined;
  const judged = (key: Partition): Partition => {
    if (key === undefined) return undefined;
    const text = typeof key === 'number' ? String(key) : key;
    seen?.(text);
    const isKeyListed = lists !== undefined && isKeyAllowed(lists, text, [name]);
    return isAllowed || isKeyListed ? undefined : key;
  };
  const key = resolver(context, request, settings);
  // Whatever else it is, a promise is waited for, and the rest is the store's to refuse.
  return typeof key === 'object' ? Promise.resolve(key).then(judged) : judged(key);
}
