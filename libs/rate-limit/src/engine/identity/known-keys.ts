import { isIPv4, isIPv6 } from 'node:net';
import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { API_KEY_DIGEST } from './api-key.js';
import { addressOf } from './address.js';
import { oncePerKind, type WarnOnce } from '../warn-once.js';
import { canonicalKey, canonicalParts, DEFAULT_IPV6_PREFIX, IP } from './ip-key.js';
import { lacksId } from './missing-ids.js';
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
  private readonly warnOnce: WarnOnce;
  /** Policies that handlers use with quotas of their own, and whether one of these follows changes of the limit. */
  private readonly ownQuotas = new Map<string, boolean>();
  /** Those of them whose shared quota code of this process has spent. */
  private readonly spentByCode = new Set<string>();

  constructor(
    readonly ipv6Prefix: number = DEFAULT_IPV6_PREFIX,
    warn: (message: string) => void = () => {},
  ) {
    this.warnOnce = oncePerKind(warn);
  }

  /** Notes what the keys of requests under a policy begin with, beside what is known already. */
  learn(policy: string, schemes: Schemes): void {
    this.schemes.set(policy, this.schemes.has(policy) ? eitherOf([this.schemes.get(policy), schemes]) : schemes);
  }

  /**
   * Notes that a handler uses a policy with a quota of its own.
   *
   * @param isFollowing whether that follows changes of the policy's limit
   */
  learnOwnQuota(policy: string, isFollowing: boolean): void {
    this.ownQuotas.set(policy, isFollowing || this.ownQuotas.get(policy) === true);
  }

  /**
   * For calls that are to change a quota by the policy's name.
   *
   * @throws RateLimitError `RL_POLICY_PER_HANDLER` where handlers have quotas of their own, and nothing uses the shared one
   */
  checkShared(policy: string): void {
    const isUsed = this.schemes.has(policy) || this.spentByCode.has(policy);
    if (this.ownQuotas.has(policy) && !isUsed) throw perHandler(policy);
  }

  /**
   * The same for calls that change a limit: handlers may follow that.
   *
   * @throws RateLimitError `RL_POLICY_PER_HANDLER`
   */
  checkFollowed(policy: string): void {
    if (this.ownQuotas.get(policy) === false) this.checkShared(policy);
  }

  /**
   * A key as requests have it. What is no text passes through: the store refuses it.
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
   * @param isLook whether nothing is spent
   */
  noteSpending(policy: string, key: string, isLook = false): void {
    if (!isLook && this.ownQuotas.has(policy)) this.spentByCode.add(policy);
    if (isMissing(key)) {
      this.warnOnce(
        `missing ${policy}`,
        () => `${policy}: code uses the key ${shown(key)}, whose id is missing. All such calls share one quota.`,
      );
      return;
    }
    const schemes = this.schemes.get(policy);
    if (!schemes || typeof key !== 'string') return;
    if (isUnder(schemes, key)) {
      if (this.isNoClient(key))
        this.warnOnce(`address ${policy}`, () => `${this.ofNoRequest(policy, key)}. ${PASS_PREFIX}`);
      return;
    }
    const scheme = schemeOf(key);
    // Code that spends by a key without a scheme has a quota to reset. Code that only looks at such a key has none.
    const hasQuota = scheme !== undefined || !isLook;
    if (hasQuota && this.spent.size < MOST_SPENT) this.spent.add(spentBy(policy, scheme));
    if (scheme === undefined) {
      this.warnOnce(
        `bare ${policy}`,
        () =>
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
    checkHasId(policy, key);
    const schemes = this.schemes.get(policy);
    if (!schemes || typeof key !== 'string') return;
    if (isUnder(schemes, key)) {
      if (this.isNoClient(key)) throw new RateLimitError('RL_KEY_INVALID', this.ofNoRequest(policy, key));
      if (key.startsWith('key:') && !key.includes('+')) checkDigest(policy, key);
      return;
    }
    const scheme = schemeOf(key);
    if (this.spent.has(spentBy(policy, scheme))) return;
    if (scheme === undefined) {
      throw new RateLimitError(
        'RL_KEY_INVALID',
        `${policy}: no request has ${named(key, schemes)}; requests are counted by keys like ${listed(schemes)}. ${fixFor(key, schemes)}`,
      );
    }
    this.warnOnce(
      `other ${policy}`,
      () =>
        `${policy}: code names ${named(key, schemes)}, but requests are counted by keys like ${listed(schemes)}. ` +
        'The call affects no request, only code that spends by this key.',
    );
  }

  /** Whether a key begins with `ip:`, but `byIp` never makes such a key. */
  private isNoClient(key: string): boolean {
    if (!key.startsWith(IP)) return false;
    const text = key.slice(IP.length);
    const cut = `/${this.ipv6Prefix}`;
    if (text === 'none' || isIPv4(text) || (text.endsWith(cut) && isIPv6(text.slice(0, -cut.length)))) return false;
    // A part of a key of byAll, or what looks like one.
    return !text.includes('+');
  }

  private ofNoRequest(policy: string, key: string): string {
    return (
      `${policy}: no request has the key ${shown(key)}; write one address after ip:, like ip:203.0.113.7` +
      ` (an IPv6 address is cut to /${this.ipv6Prefix} for you)`
    );
  }
}

/** @throws RateLimitError `RL_KEY_INVALID` for a key like `user:undefined` */
export function checkHasId(policy: string, key: string): void {
  if (!isMissing(key)) return;
  throw new RateLimitError(
    'RL_KEY_INVALID',
    `${policy}: the id in the key ${shown(key)} is missing; check what the key is made of`,
  );
}

const perHandler = (name: string): RateLimitError =>
  new RateLimitError(
    'RL_POLICY_PER_HANDLER',
    `each handler that uses ${shown(name)} has numbers and a quota of its own, so the name alone names a quota that no ` +
      'handler uses; give the handler whose quota code needs a policy with another name, and use that name here',
  );

/** Clients choose the text of a header: there it is an id like any other. */
const isMissing = (key: unknown): boolean => typeof key === 'string' && !key.startsWith('header.') && lacksId(key);
const PASS_PREFIX = 'Code and requests do not share that quota. If ipKey() made it, pass it your keys.ipv6Prefix.';

const spentBy = (policy: string, scheme = ''): string => `${policy}\n${scheme}`;

/** The error does not show the key: it may be an API key. */
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
