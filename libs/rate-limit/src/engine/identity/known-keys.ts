import { isIPv4, isIPv6 } from 'node:net';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { API_KEY_DIGEST } from './api-key.js';
import { addressOf } from './address.js';
import { canonicalKey, canonicalParts, DEFAULT_IPV6_PREFIX, IP } from './ip-key.js';
import { eitherOf, isUnder, schemeOf, type Schemes } from './key-schemes.js';

/** Code chooses its keys, so the number that is kept must be bounded. */
const MOST_SPENT = 1_000;

/**
 * What is known about the keys of requests: how they write addresses, and what they begin with under each policy. It
 * reports code that names a caller by a key that no request has.
 */
export class KnownKeys {
  private readonly schemes = new Map<string, Schemes>();
  /** The schemes under which code of this process spends, by policy. */
  private readonly spent = new Set<string>();
  private readonly warned = new Set<string>();

  constructor(
    readonly ipv6Prefix: number = DEFAULT_IPV6_PREFIX,
    private readonly warn: (message: string) => void = () => {},
  ) {}

  /** Notes what the keys of requests under a policy begin with, beside what is known already. */
  learn(policy: string, schemes: Schemes): void {
    this.schemes.set(policy, this.schemes.has(policy) ? eitherOf([this.schemes.get(policy), schemes]) : schemes);
  }

  /**
   * A key as requests have it. A value that is not text passes through: the store refuses it.
   *
   * @param policy its name in the catalogue, if it has one
   */
  canonical(policy: unknown, key: string): string {
    if (typeof key !== 'string') return key;
    if (!key.includes('+')) return canonicalKey(key, this.ipv6Prefix);
    // Without byAll a plus is an ordinary character, and a client may have chosen the text after it.
    const isCombined = this.schemes.get(policy as string)?.some((scheme) => scheme.includes('+'));
    return isCombined ? canonicalParts(key, this.ipv6Prefix) : canonicalKey(key, this.ipv6Prefix);
  }

  /**
   * For calls that spend or look. Code may use custom keys; a key that looks like a mistake is warned about.
   *
   * @param policy its name in the catalogue
   * @param key canonical
   */
  noteSpending(policy: string, key: string): void {
    const schemes = this.schemes.get(policy);
    if (!schemes || typeof key !== 'string' || isUnder(schemes, key)) return;
    const scheme = schemeOf(key);
    if (scheme !== undefined) {
      if (this.spent.size < MOST_SPENT) this.spent.add(`${policy}\n${scheme}`);
    } else {
      this.warnOnce(
        `bare ${policy}`,
        `${policy}: code uses ${named(key, schemes)}, but requests are counted by keys like ${listed(schemes)}, ` +
          `so they do not share a quota. ${fixFor(key, schemes)}`,
      );
    }
  }

  /**
   * For calls that must affect a caller: an override, a block, a reset.
   *
   * @param policy its name in the catalogue
   * @param key canonical
   * @throws RateLimitError `RL_KEY_INVALID` for a key that is surely a mistake
   */
  checkReaches(policy: string, key: string): void {
    const schemes = this.schemes.get(policy);
    if (!schemes || typeof key !== 'string') return;
    if (isUnder(schemes, key)) {
      if (key.startsWith(IP)) this.checkAddress(policy, key);
      if (key.startsWith('key:') && !key.includes('+')) checkDigest(policy, key);
      return;
    }
    const scheme = schemeOf(key);
    if (scheme === undefined) {
      throw new RateLimitError(
        'RL_KEY_INVALID',
        `${policy}: no request has ${named(key, schemes)}; requests are counted by keys like ${listed(schemes)}. ${fixFor(key, schemes)}`,
      );
    }
    if (this.spent.has(`${policy}\n${scheme}`)) return;
    this.warnOnce(
      `other ${policy}`,
      `${policy}: code names ${named(key, schemes)}, but requests are counted by keys like ${listed(schemes)}. ` +
        'The call affects no request, only code that spends by this key.',
    );
  }

  private checkAddress(policy: string, key: string): void {
    const text = key.slice(IP.length);
    const cut = `/${this.ipv6Prefix}`;
    if (text === 'none' || isIPv4(text) || (text.endsWith(cut) && isIPv6(text.slice(0, -cut.length)))) return;
    // A part of a key of byAll, or what looks like one.
    if (text.includes('+')) return;
    throw new RateLimitError(
      'RL_KEY_INVALID',
      `${policy}: no request has the key ${shown(key)}; write one address after ip:, like ip:203.0.113.7` +
        ` (an IPv6 address is cut to ${cut} for you)`,
    );
  }

  private warnOnce(kind: string, message: string): void {
    if (this.warned.has(kind)) return;
    this.warned.add(kind);
    this.warn(message);
  }
}

/** The error does not show the key: it may be the API key itself. */
function checkDigest(policy: string, key: string): void {
  if (API_KEY_DIGEST.test(key)) return;
  throw new RateLimitError(
    'RL_KEY_INVALID',
    `${policy}: the text after key: must be a digest of 22 characters. ${fixFor('', ['key'])}`,
  );
}

const listed = (schemes: readonly string[]): string =>
  schemes.map((scheme) => `'${scheme.replaceAll('+', ':…+')}:…'`).join(' or ');

/** A key that may be an API key is not shown. */
const named = (key: string, schemes: readonly string[]): string =>
  schemes.some((scheme) => /^(key|header\.)/.test(scheme))
    ? `the key that was given (${key.length} characters)`
    : `the key ${shown(key)}`;

/** The fix for a key without a scheme. */
function fixFor(key: string, schemes: readonly string[]): string {
  if (addressOf(key)) return `Write ipKey(${shown(key)}).`;
  const scheme = schemes.find((each) => each !== 'ip') ?? 'ip';
  const own = `or give a custom key a scheme, like 'job:nightly'.`;
  if (scheme === 'ip') return `Write ipKey(address) for a client, ${own}`;
  if (scheme === 'key')
    return `Write the 'key:…' that keyOf(byApiKey, context) returns (an override takes { apiKey } too), ${own}`;
  return scheme.includes('+') || scheme.startsWith('header.')
    ? `Write a key of that form, ${own}`
    : `Write ${shown(`${scheme}:${key}`)}, ${own}`;
}
