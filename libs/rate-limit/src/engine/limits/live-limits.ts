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
  readNumbers,
  overrideKeyOf,
  versionOf,
  type LimitChange,
  type LimitCondition,
  type LiveLimit,
  type OverrideKey,
} from './limit-change.js';
import { liveLimitOf, LimitFollower } from './limit-follower.js';
import type { LivePolicy } from './live-policy.js';

/** What {@link LiveLimits} needs beside the book. */
export interface LiveLimitsSettings {
  /** How often a shared book is looked at, in milliseconds; `undefined`: limits do not change. */
  readonly every: number | undefined;
  /** How long a start waits for what is set, in milliseconds. Default 3,000. */
  readonly patience?: number;
  readonly warn: (message: string) => void;
  /** What is known of the keys of requests. Default: nothing. */
  readonly keys?: KnownKeys;
}

/** The policies of a catalogue whose numbers are in their definitions. */
export interface NamedLivePolicies {
  readonly livePolicies: readonly LivePolicy[];
  /** @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC` */
  live(name: string, fix: string): LivePolicy;
}

/** How often a change by a function is tried again because another writer was first. Each time one of them succeeds. */
const MOST_ATTEMPTS = 1_000;

/**
 * Changes limits of the catalogue's policies while everything runs, for every instance: `RateLimiter.limits`. What has
 * been used stays used.
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
    this.follower = new LimitFollower(catalogue.livePolicies, book, settings.warn);
    this.keys = settings.keys ?? new KnownKeys();
  }

  /**
   * What holds for a policy, or for one key under it. The store is asked.
   *
   * @param policy its name in the catalogue
   * @param key of an override; without one for this key, the numbers are the policy's and the version is 0
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`, `RL_KEY_INVALID`, `RL_LIVE_LIMITS_OFF`;
   *   `StoreUnavailableError` when the store gives no answer
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
   * @param change the numbers, or a function of what holds that gives them; it is called again when the limit
   *   was changed meanwhile, so no update is lost
   * @returns what was set
   * @throws RateLimitError as {@link get} does; `RL_LIMIT_INVALID`, `RL_BURST_INVALID`, `RL_PRECISION`,
   *   `RL_COST_NEVER_PASSES`, `RL_OPTION_UNKNOWN` for numbers that cannot be used; `RL_LIMIT_CHANGED` when the limit has
   *   another version than `condition` says; `RL_LIMITS_FULL`; `RL_POLICY_PER_HANDLER` where each handler that uses the
   *   policy has numbers of its own. After a `StoreUnavailableError` it may be set all the same
   */
  async set(policy: string, change: LimitChange, condition: LimitCondition = {}): Promise<LiveLimit> {
    const live = this.liveOf(policy);
    this.keys.checkFollowed(policy);
    return this.change(live, undefined, change, versionOf(condition));
  }

  /**
   * Sets one key's limit under a policy: for a plan, a VIP, a tenant. It holds whatever the policy's own limit becomes,
   * until it is cleared. Takes, answers and throws what {@link set} does.
   *
   * @param key as the resolvers give it, with its scheme: `'user:42'`, `'ip:203.0.113.7'`, 1,024 characters at most. In
   *   a Nest application one without a scheme is refused (`RL_KEY_INVALID`) where the keys of the policy have one
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
   * Takes back what was set: the numbers of the definition hold again, or of a key those of the policy. Overrides stay
   * until they are cleared themselves.
   *
   * @returns what holds now
   * @throws RateLimitError as {@link get} does, and `RL_LIMIT_CHANGED`. After a `StoreUnavailableError` it may be
   *   cleared all the same
   */
  async clear(policy: string, key?: OverrideKey, condition: LimitCondition = {}): Promise<LiveLimit> {
    const live = this.liveOf(policy);
    const whose = this.callerOf(policy, key);
    await this.write(live, whose, undefined, versionOf(condition));
    await this.follower.refresh();
    return this.follower.of(live, whose);
  }

  /**
   * What holds for every policy with a name whose limit is a number, each followed by its overrides. The store is asked.
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
   * Reads what is set, and from then on what changes. Without an answer the definitions hold until there is one, and the
   * application starts.
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
    if (typeof change !== 'function') return this.put(live, key, change, expected);
    for (let attempt = 1; ; attempt++) {
      await this.follower.refresh();
      const current = this.follower.of(live, key);
      if (expected !== undefined && expected !== current.version) throw changed(live, key, expected, current.version);
      const numbers = await change(current);
      if (numbers === undefined) return current;
      try {
        return await this.put(live, key, numbers, current.version);
      } catch (error) {
        const isLate = error instanceof RateLimitError && error.code === 'RL_LIMIT_CHANGED';
        if (!isLate || attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  private async put(
    live: LivePolicy,
    key: string | undefined,
    given: LimitNumbers,
    expected: number | undefined,
  ): Promise<LiveLimit> {
    const numbers = readNumbers(given);
    const policy = live.checked(numbers);
    const { version } = await this.write(live, key, numbers, expected);
    // It is written: if it cannot be read now, the next read finds it.
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
      `${live.own.name}: ${MOST_LIMITS} limits are set, and no more are kept; clear some, or look them up with resolve`,
    );
  }

  private callerOf(policy: string, key: OverrideKey | undefined): string | undefined {
    return key === undefined ? undefined : this.keys.canonical(policy, overrideKeyOf(key));
  }

  private liveOf(policy: string): LivePolicy {
    this.checkOn();
    return this.catalogue.live(policy, 'change it there: only a limit that is a number can be set');
  }

  private checkOn(): void {
    if (this.settings.every !== undefined) return;
    throw new RateLimitError(
      'RL_LIVE_LIMITS_OFF',
      "liveLimits is false, so no instance looks for limits that change; leave it out, or give a span like '1s'",
    );
  }
}

const changed = ({ own }: LivePolicy, key: string | undefined, expected: number, version: number): RateLimitError =>
  new RateLimitError(
    'RL_LIMIT_CHANGED',
    `${own.name}${key === undefined ? '' : ` of ${shown(key)}`}: the limit was changed meanwhile: its version is ${version}, not ${expected}; read it again`,
  );
