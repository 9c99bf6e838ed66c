import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import {
  entryName,
  MOST_LIMITS,
  type LimitBook,
  type LimitNumbers,
  type LimitWriteResult,
} from '../../core/limit-book.js';
import { KnownKeys } from '../identity/known-keys.js';
import {
  changedTo,
  readNumbers,
  overrideKeyOf,
  versionOf,
  type LimitChange,
  type LimitCondition,
  type LiveLimit,
  type OverrideKey,
} from './limit-change.js';
import { liveLimitOf, LimitFollower, type FollowerSettings } from './limit-follower.js';
import type { LivePolicy } from './live-policy.js';

/** What {@link LiveLimits} needs beside the book. */
export interface LiveLimitsSettings extends FollowerSettings {
  /** How often a shared book is read, in milliseconds; `undefined`: limits do not change. */
  readonly every: number | undefined;
  /** How long a start waits for the first read, in milliseconds. Default 3,000. */
  readonly patience?: number;
  /** What is known of the keys of requests. Default: nothing. */
  readonly keys?: KnownKeys;
}

/** The policies of a catalogue whose numbers are in their definitions. */
export interface NamedLivePolicies {
  readonly livePolicies: readonly LivePolicy[];
  /** @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC` */
  live(name: string, fix: string): LivePolicy;
}

/** How often a change by a function is retried because another writer was first. Each round, one writer succeeds. */
const MOST_ATTEMPTS = 1_000;

/**
 * Reads and changes limits of the catalogue's policies at run time, for all instances: `RateLimiter.limits`. Units that
 * were used stay used.
 */
export class LiveLimits {
  private readonly follower: LimitFollower;
  private readonly keys: KnownKeys;

  /** @internal */
  constructor(
    private readonly catalogue: NamedLivePolicies,
    private readonly book: LimitBook,
    private readonly settings: LiveLimitsSettings,
  ) {
    this.follower = new LimitFollower(catalogue.livePolicies, book, settings);
    this.keys = settings.keys ?? new KnownKeys();
  }

  /**
   * Reads the limit of a policy, or of one key under it, from the store.
   *
   * @param policy its name in the catalogue
   * @param key a key that may have an override; if it has none, the numbers are the policy's and the version is 0
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`, `RL_KEY_INVALID`, `RL_LIVE_LIMITS_OFF`;
   *   `StoreUnavailableError` when the store does not answer
   */
  async get(policy: string, key?: OverrideKey): Promise<LiveLimit> {
    const live = this.liveOf(policy);
    const whose = this.callerOf(policy, key);
    if (whose !== undefined) this.keys.noteSpending(policy, whose, true);
    await this.follower.refresh();
    return this.follower.of(live, whose);
  }

  /**
   * Sets a policy's limit for all keys that have no override. Instances see it within about a second, this one at once.
   *
   * @param change the numbers, or a function that gets the current limit and returns them. If another writer changes
   *   the limit meanwhile, the function is called again, so no update is lost
   * @returns the limit that was set
   * @throws RateLimitError as {@link get} does; `RL_LIMIT_INVALID`, `RL_BURST_INVALID`, `RL_PRECISION`,
   *   `RL_MODE_INVALID`, `RL_COST_NEVER_PASSES`, `RL_OPTION_UNKNOWN` for numbers that cannot be used; `RL_LIMIT_CHANGED`
   *   when the limit has
   *   another version than `condition` says; `RL_LIMITS_FULL`; `RL_POLICY_PER_HANDLER` where each handler that uses the
   *   policy has numbers of its own. After a `StoreUnavailableError` it may be set all the same
   */
  async set(policy: string, change: LimitChange, condition: LimitCondition = {}): Promise<LiveLimit> {
    const live = this.liveOf(policy);
    this.keys.checkFollowed(policy);
    return this.change(live, undefined, change, versionOf(condition));
  }

  /**
   * Sets one key's limit under a policy: for a plan, a VIP, a tenant. It applies until it is cleared, even if the
   * policy's own limit changes. Takes, returns and throws what {@link set} does.
   *
   * @param key as the resolvers make it, with its scheme: `'user:42'`, `'ip:203.0.113.7'`, 1,024 characters at most. In
   *   a Nest application a key without a scheme throws `RL_KEY_INVALID` if the keys of the policy have one
   */
  async override(
    policy: string,
    key: OverrideKey,
    change: LimitChange,
    condition: LimitCondition = {},
  ): Promise<LiveLimit> {
    const live = this.liveOf(policy);
    const whose = this.keys.canonical(policy, overrideKeyOf(key));
    this.keys.checkFollowed(policy);
    this.keys.checkReaches(policy, whose);
    return this.change(live, whose, change, versionOf(condition));
  }

  /**
   * Removes a limit that was set. The definition's numbers apply again, or for a key the policy's. Clearing a policy's
   * limit does not clear its overrides.
   *
   * @returns the limit that applies now
   * @throws RateLimitError as {@link get} does, and `RL_LIMIT_CHANGED`. After a `StoreUnavailableError` it may be
   *   cleared even so
   */
  async clear(policy: string, key?: OverrideKey, condition: LimitCondition = {}): Promise<LiveLimit> {
    const live = this.liveOf(policy);
    const whose = this.callerOf(policy, key);
    await this.write(live, whose, undefined, versionOf(condition));
    await this.follower.refresh();
    return this.follower.of(live, whose);
  }

  /**
   * Reads the limits of all named policies whose limit is a number, each followed by its overrides, from the store.
   *
   * @param policy only this one
   * @throws RateLimitError as {@link get} does
   */
  async list(policy?: string): Promise<LiveLimit[]> {
    this.checkOn();
    const lives = policy === undefined ? this.follower.policies : [this.liveOf(policy)];
    await this.follower.refresh();
    return lives.flatMap((live) => [undefined, ...live.keys].map((key) => this.follower.of(live, key)));
  }

  /**
   * Reads the limits that are set, and from then on the changes. If the store does not answer, the application starts
   * with the definitions.
   *
   * @internal
   */
  async start(): Promise<void> {
    const { every, patience = 3_000 } = this.settings;
    const isFollowed = this.book.isShared && this.follower.policies.length > 0;
    if (isFollowed && every !== undefined) await this.follower.follow(every, patience);
  }

  /** @internal */
  stop(): void {
    this.follower.stop();
  }

  private async change(
    live: LivePolicy,
    key: string | undefined,
    change: LimitChange,
    expected: number | undefined,
  ): Promise<LiveLimit> {
    for (let attempt = 1; ; attempt++) {
      await this.follower.refresh();
      const current = this.follower.of(live, key);
      if (expected !== undefined && expected !== current.version) throw changed(live, key, expected, current.version);
      const numbers = typeof change === 'function' ? await change(current) : change;
      if (numbers === undefined) return current;
      try {
        return await this.put(
          live,
          key,
          changedTo(readNumbers(numbers), this.follower.entryOf(live, key)),
          current.version,
        );
      } catch (error) {
        const isLate = error instanceof RateLimitError && error.code === 'RL_LIMIT_CHANGED';
        if (!isLate || attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  private async put(
    live: LivePolicy,
    key: string | undefined,
    numbers: LimitNumbers,
    expected: number,
  ): Promise<LiveLimit> {
    const policy = live.checked(live.completed(key, numbers));
    const { version } = await this.write(live, key, numbers, expected);
    // The limit is written. If this read fails, the next one finds it.
    await this.follower.tryToRefresh();
    return liveLimitOf(live, key, policy, version);
  }

  private async write(
    live: LivePolicy,
    key: string | undefined,
    numbers: LimitNumbers | undefined,
    expected: number | undefined,
  ): Promise<LimitWriteResult> {
    const written = await this.book.write(entryName(live.own.id, key), numbers, expected);
    if (written.outcome === 'done') return written;
    if (written.outcome === 'changed') throw changed(live, key, expected!, written.version);
    throw new RateLimitError(
      'RL_LIMITS_FULL',
      `${live.own.name}: the limit was not set, because ${MOST_LIMITS} limits are set already, which is the most; clear some, or look limits up with resolve`,
    );
  }

  private callerOf(policy: string, key: OverrideKey | undefined): string | undefined {
    return key === undefined ? undefined : this.keys.canonical(policy, overrideKeyOf(key));
  }

  private liveOf(policy: string): LivePolicy {
    this.checkOn();
    return this.catalogue.live(
      policy,
      'change it where your function reads it, because only a limit that is a number can be set',
    );
  }

  private checkOn(): void {
    if (this.settings.every !== undefined) return;
    throw new RateLimitError(
      'RL_LIVE_LIMITS_OFF',
      "liveLimits is false, so limits can be neither read nor set at run time; leave it out, or give a span like '1s'",
    );
  }
}

const changed = ({ own }: LivePolicy, key: string | undefined, expected: number, version: number): RateLimitError =>
  new RateLimitError(
    'RL_LIMIT_CHANGED',
    `${own.name}${key === undefined ? '' : `, key ${shown(key)}`}: the limit has version ${version}, not ${expected}, because another writer changed it; read it again`,
  );
