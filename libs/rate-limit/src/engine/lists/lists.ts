import type { addressOf } from '../identity/address.js';
import { bitsOf } from './address-set.js';
import { DenyList, List, type DenyOptions, type ListEntry } from './list.js';

/** The allow and deny lists of a limiter, a module or a policy. */
export interface ListOptions {
  /**
   * Callers that are not limited: addresses, CIDR ranges and keys. In the options it exempts them from all policies, on
   * a policy from this one. Redis is not asked. A user or a tenant is found only if a policy counts by it.
   */
  allow?: readonly ListEntry[] | undefined;
  /**
   * Callers that are refused with 403, or with 429 as `{ list, status: 429 }`, before anything is charged, even if an
   * allow list names them. In the options it refuses them on every handler, on a policy on the handlers that it
   * governs.
   */
  deny?: readonly ListEntry[] | DenyOptions | undefined;
}

export const LIST_KEYS = ['allow', 'deny'];

/** The decision of lists about a caller; `undefined`: they do not name the caller. */
export type ListVerdict = 'allow' | 'deny' | undefined;

/** The allow list and the deny list of the options or of a policy. A denial outweighs an allowance. */
export class Lists {
  /** Whether they can refuse a caller. */
  readonly canRefuse: boolean;
  /** Whether they name keys. Then the keys of the policies must be known. */
  readonly namesKeys: boolean;
  /** Whether they name addresses. */
  readonly namesAddresses: boolean;
  /** Whether they name API keys. */
  readonly namesApiKeys: boolean;

  constructor(
    readonly allow: List | undefined,
    readonly deny: DenyList | undefined,
  ) {
    const lists = [allow, deny].filter((list) => list !== undefined);
    this.canRefuse = !isEmpty(deny);
    this.namesKeys = lists.some(({ keys }) => keys.size > 0);
    this.namesAddresses = lists.some(({ addresses }) => !addresses.isEmpty);
    this.namesApiKeys = lists.some(({ hasApiKeys }) => hasApiKeys);
  }

  /** Whether the deny list names addresses or API keys, which every request carries. */
  get refusesCallers(): boolean {
    return this.deny !== undefined && (!this.deny.addresses.isEmpty || this.deny.hasApiKeys);
  }

  /** By the bits of the address, not by the key that a policy makes of it. */
  onAddress(address: NonNullable<ReturnType<typeof addressOf>>): ListVerdict {
    const bits = bitsOf(address);
    if (this.deny?.addresses.holds(bits)) return 'deny';
    return this.allow?.addresses.holds(bits) ? 'allow' : undefined;
  }

  /** By a key, as it stands. */
  onKey(key: string): ListVerdict {
    if (this.deny?.keys.has(key)) return 'deny';
    return this.allow?.keys.has(key) ? 'allow' : undefined;
  }

  /** By a key where there is no request: a key that stands for addresses is named by ranges that hold all of them. */
  onKeyAlone(key: string): ListVerdict {
    if (this.deny?.holdsKey(key)) return 'deny';
    return this.allow?.holdsKey(key) ? 'allow' : undefined;
  }
}

/**
 * The given lists. A list that is not given is taken from `before`. `undefined` if the lists are empty.
 *
 * @param place where the lists are in the options, for errors
 * @throws RateLimitError `RL_LIST_INVALID`, `RL_OPTION_UNKNOWN`
 */
export function listsOf({ allow, deny }: ListOptions, before?: Lists, place = ''): Lists | undefined {
  if (allow === undefined && deny === undefined) return before;
  const lists = new Lists(
    allow === undefined ? before?.allow : new List(allow, `${place}allow`),
    deny === undefined ? before?.deny : new DenyList(deny, `${place}deny`),
  );
  return isEmpty(lists.allow) && isEmpty(lists.deny) ? undefined : lists;
}

const isEmpty = (list: List | undefined): boolean =>
  list === undefined || (list.addresses.isEmpty && list.keys.size === 0);
