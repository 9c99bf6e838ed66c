import type { OnApplicationShutdown } from '@nestjs/common';
import { isStoreUnavailable, kindOf, RateLimitError, shown } from '../../core/errors.js';
import { checkKnownKeys } from '../../core/known-keys.js';
import { entryName, MOST_LIMITS, partsOf, type LimitBook, type LimitNumbers } from '../../core/limit-book.js';
import { keyOfApiKey } from '../keys/by-identity.js';
import type { Catalogue } from '../rate-limit.catalogue.js';
import { Troubles } from '../rate-limit.troubles.js';
import type { LivePolicy } from './live-policy.js';

/** A limit as it holds now. */
export interface LimitInForce {
  /** The policy's name in the catalogue. */
  readonly policy: string;
  /** Whose limit it is; absent: that of all who have none of their own. */
  readonly key?: string;
  /** The quota per window, in units. */
  readonly limit: number;
  /** The most units at once. */
  readonly burst: number;
  /** Of this limit's last change, and later than that of every earlier change; 0: it is not set. */
  readonly version: number;
}

/** New numbers, or how to find them from those that hold; `undefined`: leave them. */
export type LimitChange =
  LimitNumbers | ((current: LimitInForce) => LimitNumbers | undefined | Promise<LimitNumbers | undefined>);

/** On which condition a limit is changed. */
export interface LimitCondition {
  /** Only if this still is the version of the limit, as `get` or `list` told it. Default: whatever it is. */
  version?: number;
}

/** Whose override: a key as the resolvers give it, `'user:42'`, or the text of an API key, of which a digest is kept. */
export type OverrideKey =
  | string
  | {
      /** An API key as clients send it. */
      readonly apiKey: string;
    };

/** What {@link LiveLimits} needs beside the book. */
export interface LiveLimitsSettings {
  /** How often a shared book is looked at, in milliseconds; `undefined`: limits do not change. */
  readonly every: number | undefined;
  readonly warn: (message: string) => void;
}

/** How often a change that is found from what holds is tried anew because somebody else was first. */
const MOST_ATTEMPTS = 1_000;

/** Longer keys would fill every instance's memory. */
const LONGEST_KEY = 1_024;

/**
 * Changes limits of the catalogue's policies while everything runs, for every instance: `RateLimiter.limits`. What has
 * been used stays used.
 */
export class LiveLimits implements OnApplicationShutdown {
  private readonly byId = new Map<string, LivePolicy>();
  private readonly troubles: Troubles;
  /** Of each entry that is known, and of the book. */
  private versions = new Map<string, number>();
  private known = 0;
  private timer: NodeJS.Timeout | undefined;
  /** The last of the looks that were asked for: they take turns, so that none undoes a later one. */
  private lastLook: Promise<void> = Promise.resolve();
  private looksUnderWay = 0;

  /** @internal */
  constructor(
    private readonly catalogue: Catalogue,
    private readonly book: LimitBook,
    private readonly settings: LiveLimitsSettings,
  ) {
    this.troubles = new Troubles(settings.warn, () => performance.now());
    for (const name of catalogue.names) {
      const live = catalogue.get(name)!.live;
      if (live) this.byId.set(live.own.id, live);
    }
  }

  /**
   * What holds for a policy, or for one key under it, by the store's own word.
   *
   * @param policy its name in the catalogue
   * @param key of an override; without one for this key, the numbers are the policy's and the version is 0
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`, `RL_KEY_INVALID`, `RL_LIVE_LIMITS_OFF`;
   *   `StoreUnavailableError` when the store gives no answer
   */
  async get(policy: string, key?: OverrideKey): Promise<LimitInForce> {
    const live = this.liveOf(policy);
    const text = textOf(key);
    await this.look();
    return this.inForce(live, text);
  }

  /**
   * Sets a policy's limit for all keys that have no override. Instances see it within about a second, this one at once.
   *
   * @param change the numbers, or a function of what holds that gives them; it is asked again when somebody else
   *   changed the limit meanwhile, so no update is lost
   * @returns what was set
   * @throws RateLimitError as {@link get} does; `RL_LIMIT_INVALID`, `RL_BURST_INVALID`, `RL_PRECISION`,
   *   `RL_COST_NEVER_PASSES`, `RL_OPTION_UNKNOWN` for numbers that cannot be used; `RL_LIMIT_CHANGED` when the limit has
   *   another version than `condition` says; `RL_LIMITS_FULL`. After a `StoreUnavailableError` it may be set all the same
   */
  set(policy: string, change: LimitChange, condition: LimitCondition = {}): Promise<LimitInForce> {
    return this.change(policy, undefined, change, condition);
  }

  /**
   * Sets one key's limit under a policy: for a plan, a VIP, a tenant. It holds whatever the policy's own limit becomes,
   * until it is cleared. Takes, answers and throws what {@link set} does.
   *
   * @param key as the resolvers give it, 1,024 characters at most
   */
  override(
    policy: string,
    key: OverrideKey,
    change: LimitChange,
    condition: LimitCondition = {},
  ): Promise<LimitInForce> {
    if (key === undefined) return Promise.reject(noKey(key));
    return this.change(policy, key, change, condition);
  }

  /**
   * Takes back what was set: the numbers of the definition hold again, or of a key those of the policy. Overrides stay
   * until they are cleared themselves.
   *
   * @returns what holds now
   * @throws RateLimitError as {@link get} does, and `RL_LIMIT_CHANGED`. After a `StoreUnavailableError` it may be
   *   cleared all the same
   */
  async clear(policy: string, key?: OverrideKey, condition: LimitCondition = {}): Promise<LimitInForce> {
    const live = this.liveOf(policy);
    const text = textOf(key);
    const expected = versionOf(condition, 'clear()');
    const written = await this.book.write(entryName(live.own.id, text), undefined, expected);
    if (written.outcome === 'changed') throw changed(live, text, expected!, written.version);
    await this.look();
    return this.inForce(live, text);
  }

  /**
   * What holds for every policy of the catalogue whose limit is a number, each with its overrides behind it.
   *
   * @param policy only this one
   * @throws RateLimitError as {@link get} does
   */
  async list(policy?: string): Promise<LimitInForce[]> {
    const lives = policy === undefined ? [...this.byId.values()] : [this.liveOf(policy)];
    this.checkOn();
    await this.look();
    return lives.flatMap((live) => [undefined, ...live.keys].map((key) => this.inForce(live, key)));
  }

  /**
   * Reads what is set, and goes on looking for changes. Without an answer the definitions hold until there is one.
   *
   * @internal
   */
  async start(): Promise<void> {
    const { every } = this.settings;
    if (every === undefined || !this.book.isShared || this.byId.size === 0) return;
    const look = () => this.look().catch((error: unknown) => this.tell(error));
    await look();
    this.timer = setInterval(() => this.looksUnderWay === 0 && void look(), every).unref();
  }

  /** @internal */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async change(
    policy: string,
    key: OverrideKey | undefined,
    change: LimitChange,
    condition: LimitCondition,
  ): Promise<LimitInForce> {
    const live = this.liveOf(policy);
    const text = textOf(key);
    const expected = versionOf(condition, key === undefined ? 'set()' : 'override()');
    const name = entryName(live.own.id, text);
    if (typeof change !== 'function') {
      const numbers = numbersOf(live, change);
      return this.written(live, text, numbers, await this.book.write(name, numbers, expected), expected);
    }
    for (let attempt = 1; ; attempt++) {
      await this.look();
      const current = this.inForce(live, text);
      if (expected !== undefined && expected !== current.version) throw changed(live, text, expected, current.version);
      const found = await change(current);
      if (found === undefined) return current;
      const numbers = numbersOf(live, found);
      const written = await this.book.write(name, numbers, current.version);
      if (written.outcome !== 'changed' || attempt === MOST_ATTEMPTS) {
        return this.written(live, text, numbers, written, current.version);
      }
    }
  }

  private async written(
    live: LivePolicy,
    key: string | undefined,
    numbers: LimitNumbers,
    written: Awaited<ReturnType<LimitBook['write']>>,
    expected: number | undefined,
  ): Promise<LimitInForce> {
    if (written.outcome === 'changed') throw changed(live, key, expected!, written.version);
    if (written.outcome === 'full') {
      throw new RateLimitError(
        'RL_LIMITS_FULL',
        `${live.own.name}: ${MOST_LIMITS} limits are set, and no more are kept; clear some, or look them up with resolve`,
      );
    }
    // It is written: whoever cannot look now sees it with the next look.
    await this.look().catch((error: unknown) => this.tell(error));
    const { limit, burst } = live.with(numbers);
    return { policy: live.own.name, ...(key !== undefined && { key }), limit, burst, version: written.version };
  }

  private inForce(live: LivePolicy, key: string | undefined): LimitInForce {
    const { name, limit, burst } = key === undefined ? live.current : live.for(key);
    const version = this.versions.get(entryName(live.own.id, key)) ?? 0;
    return { policy: name, ...(key !== undefined && { key }), limit, burst, version };
  }

  /** Sees what is written by now, also by others. */
  private look(): Promise<void> {
    this.looksUnderWay++;
    const look = this.lastLook.then(() => this.read()).finally(() => this.looksUnderWay--);
    this.lastLook = look.catch(() => undefined);
    return look;
  }

  private async read(): Promise<void> {
    const changes = await this.book.changesSince(this.known);
    if (!changes) return;
    if (changes.isWhole) {
      for (const live of this.byId.values()) live.restore();
      this.versions = new Map();
    }
    for (const [name, entry] of changes.entries) {
      const { id, key } = partsOf(name);
      // Of other versions of this application, or of other policies: they are not ours.
      const live = this.byId.get(id);
      if (!live) continue;
      const policy = entry && this.policyOf(live, entry);
      live.take(key, policy);
      if (policy) this.versions.set(name, entry.version);
      else this.versions.delete(name);
    }
    this.known = changes.version;
  }

  /** Numbers that another version of the application may have written, for a policy that it defines otherwise. */
  private policyOf(live: LivePolicy, numbers: LimitNumbers) {
    try {
      return live.with(numbers);
    } catch (error) {
      const why = error instanceof Error ? error.message : shown(error);
      this.troubles.tell(live.own.name, () => `${live.own.name}: a limit that was set cannot be used: ${why}`);
      return undefined;
    }
  }

  /** That Redis is away others tell, and what is known holds. Here it answers, and not this. */
  private tell(error: unknown): void {
    const why = isStoreUnavailable(error) ? error.detail : error instanceof Error ? error.message : shown(error);
    if (isStoreUnavailable(error) && !/NOPERM|WRONGTYPE/.test(why)) return;
    this.troubles.tell('look', () => `Limits that were set cannot be read, so those that are known hold: ${why}.`);
  }

  private liveOf(policy: string): LivePolicy {
    this.checkOn();
    return this.catalogue.numbered(policy, 'limits that are set are for policies with a number').live;
  }

  private checkOn(): void {
    if (this.settings.every !== undefined) return;
    throw new RateLimitError(
      'RL_LIVE_LIMITS_OFF',
      "liveLimits is false, so no instance looks for limits that change; leave it out, or give a span like '1s'",
    );
  }
}

/** @throws RateLimitError */
function numbersOf(live: LivePolicy, change: LimitNumbers): LimitNumbers {
  checkKnownKeys(change, ['limit', 'burst'], 'a limit');
  // Read once: a getter may say something else the next time.
  const { limit, burst } = change;
  live.check({ limit, burst });
  return { limit, burst };
}

/** @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID` */
function versionOf(condition: LimitCondition, method: string): number | undefined {
  checkKnownKeys(condition, ['version'], `the last argument of ${method}`);
  const { version } = condition;
  if (version === undefined || (Number.isSafeInteger(version) && version >= 0)) return version;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `version must be that of a limit, as get() tells it, 0 for one that is not set, got ${shown(version)}`,
  );
}

/** @throws RateLimitError `RL_KEY_INVALID` */
function textOf(key: OverrideKey | undefined): string | undefined {
  if (key === undefined) return undefined;
  const text = typeof key === 'string' ? key : ofApiKey(key);
  // What is no text in UTF-8 would be another key in Redis.
  if (text !== undefined && text.length <= LONGEST_KEY && !/\p{Surrogate}/u.test(text)) return text;
  throw noKey(key);
}

function ofApiKey(key: unknown): string | undefined {
  const { apiKey } = (key ?? {}) as { apiKey?: unknown };
  return typeof apiKey === 'string' && apiKey !== '' ? keyOfApiKey(apiKey) : undefined;
}

const noKey = (key: unknown): RateLimitError =>
  new RateLimitError(
    'RL_KEY_INVALID',
    `an override is for a key of at most ${LONGEST_KEY} characters, like 'user:42', or { apiKey }, got ${typeof key === 'string' ? shown(key) : kindOf(key)}`,
  );

const changed = ({ own }: LivePolicy, key: string | undefined, expected: number, version: number): RateLimitError =>
  new RateLimitError(
    'RL_LIMIT_CHANGED',
    `${own.name}${key === undefined ? '' : ` of ${shown(key)}`}: the limit was changed meanwhile: its version is ${version}, not ${expected}; read it again`,
  );
