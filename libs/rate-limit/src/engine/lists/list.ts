import { RateLimitError } from '../../core/errors.js';
import { checkKnownKeys } from '../../core/checks.js';
import { kindOf, shown } from '../../core/shown.js';
import { addressOf } from '../identity/address.js';
import { API_KEY_DIGEST, keyOfApiKey } from '../identity/api-key.js';
import { IP } from '../identity/ip-key.js';
import { AddressSet, bitsOf, rangeOf, type NoRange, type Range } from './address-set.js';

/**
 * An entry of a list: an address (`'203.0.113.7'`), a CIDR range (`'2001:db8::/32'`), or a key as the resolvers make it
 * (`'user:42'`). `{ key }` is a key without a scheme. `{ apiKey }` is the text of an API key, of which only a digest is
 * kept.
 */
export type ListEntry =
  | string
  | {
      /** A key, whatever it looks like. */
      readonly key: string;
    }
  | {
      /** An API key as clients send it in the header `keys.apiKeyHeader`, whatever the policies count by. */
      readonly apiKey: string;
    };

/** A deny list and the status of its answers. */
export interface DenyOptions {
  /** The callers that are refused. */
  list: readonly ListEntry[];
  /** 403 (default), or 429 with the problem type `abnormal-usage-detected`. */
  status?: 403 | 429;
}

/** The entries of a list, read once. A lookup among thousands takes about as long as one among a few. */
export class List {
  readonly addresses: AddressSet;
  readonly keys: ReadonlySet<string>;
  /** Whether API keys are among the keys. */
  readonly hasApiKeys: boolean;

  /**
   * @param place of the list in the options, for errors
   * @throws RateLimitError `RL_LIST_INVALID`
   */
  constructor(entries: unknown, place: string) {
    if (!Array.isArray(entries))
      throw invalid(`${place} must be a list of addresses, ranges and keys`, kindOf(entries));
    const ranges: Range[] = [];
    const keys = new Set<string>();
    for (const [i, entry] of (entries as readonly unknown[]).entries()) {
      const read = readEntry(entry, `${place}[${i}]`);
      if (typeof read === 'string') keys.add(read);
      else ranges.push(read);
    }
    this.addresses = new AddressSet(ranges);
    this.keys = keys;
    this.hasApiKeys = [...keys].some((key) => API_KEY_DIGEST.test(key));
  }

  /** Whether it names a key. For a key that stands for several addresses, like `ip:2001:db8::/64`: all of them. */
  holdsKey(key: string): boolean {
    if (this.keys.has(key)) return true;
    if (this.addresses.isEmpty || !key.startsWith(IP)) return false;
    const text = key.slice(IP.length);
    const address = addressOf(text);
    if (address) return this.addresses.holds(bitsOf(address));
    const range = rangeOf(text);
    return isRange(range) && this.addresses.holds(range.first, range.last);
  }
}

/** A deny list, and the status of its answers. */
export class DenyList extends List {
  readonly status: 403 | 429;

  /** @throws RateLimitError `RL_LIST_INVALID`, `RL_OPTION_UNKNOWN` */
  constructor(deny: unknown, place: string) {
    const isBare = Array.isArray(deny) || typeof deny !== 'object' || deny === null;
    if (!isBare) checkKnownKeys(deny, ['list', 'status'], place);
    const { list, status = 403 } = isBare ? { list: deny } : (deny as { list: unknown; status?: unknown });
    super(list, isBare ? place : `${place}.list`);
    if (status !== 403 && status !== 429) throw invalid(`${place}.status must be 403 or 429`, shown(status));
    this.status = status;
  }
}

const isRange = (range: Range | NoRange | undefined): range is Range => range !== undefined && 'first' in range;

/** A scheme as resolvers have it, and the text behind it. */
const KEY = /^([a-z][\w.-]*):(?!:)./is;

/** A range of addresses, or the text of a key. */
function readEntry(entry: unknown, place: string): Range | string {
  if (typeof entry === 'object' && entry !== null) return keyIn(entry, place);
  if (typeof entry !== 'string') throw invalid(`${place} must be an address, a range or a key`, shown(entry));
  const isAddress = entry.startsWith(IP) && entry !== 'ip:none';
  const range = rangeOf(isAddress ? entry.slice(IP.length) : entry);
  if (isRange(range)) return range;
  if (range) {
    const hint = /^\d+$/.test(entry) ? "; a key needs its scheme, like 'user:42'" : '';
    throw new RateLimitError('RL_LIST_INVALID', `${place}: ${shown(entry)} ${range.wrong}${hint}`);
  }
  if (isAddress) throw invalid(`${place}: the text after ip: must be an address or a range`, shown(entry));
  if (entry.startsWith('key:') && !API_KEY_DIGEST.test(entry)) {
    // Not shown: it may be the API key itself.
    throw invalid(
      `${place}: the text after key: must be a digest of 22 characters; write { apiKey: … } for the API key itself`,
    );
  }
  if (KEY.test(entry)) return entry;
  throw invalid(
    `${place} must be an address, a range, or a key with its scheme, like 'user:42'; write { key: … } for a key without one, ` +
      `and { apiKey: … } for an API key`,
    // Shown only if it looks like an address or a key with a typo. Otherwise it may be an API key.
    /[.:/]/.test(entry) && !/[\w+=-]{16}/.test(entry) ? shown(entry) : `text of ${entry.length} characters`,
  );
}

function keyIn(entry: object, place: string): Range | string {
  checkKnownKeys(entry, ['key', 'apiKey'], place);
  const { key, apiKey } = entry as { key?: unknown; apiKey?: unknown };
  if ((key === undefined) === (apiKey === undefined)) throw invalid(`${place} must have either key or apiKey`);
  if (key !== undefined) {
    if (typeof key === 'string' && key !== '') return addressesIn(key) ?? key;
    throw invalid(`${place}: key must be text that is not empty`, shown(key));
  }
  if (typeof apiKey === 'string' && /^[^\s](.*[^\s])?$/s.test(apiKey)) return keyOfApiKey(apiKey);
  throw invalid(`${place}: apiKey must be text that is not empty, without space around it`, kindOf(apiKey));
}

/** The addresses that a key stands for, in any notation. */
function addressesIn(key: string): Range | undefined {
  if (!key.startsWith(IP)) return undefined;
  const range = rangeOf(key.slice(IP.length));
  return isRange(range) ? range : undefined;
}

const invalid = (rule: string, value?: string): RateLimitError =>
  new RateLimitError('RL_LIST_INVALID', value === undefined ? rule : `${rule}, got ${value}`);
