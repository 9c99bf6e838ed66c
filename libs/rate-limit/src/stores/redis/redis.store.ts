import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import { checkTimeout } from '../../core/checks.js';
import { kindOf } from '../../core/shown.js';
import { RateLimitError, StoreUnavailableError } from '../../core/errors.js';
import { checkHits, isPlain, type Hit } from '../../core/hit.js';
import { mergingHits } from '../../core/merging-hits.js';
import type { LimitBook } from '../../core/limit-book.js';
import type { StoreReports } from '../../core/observer.js';
import type { Policy } from '../../core/policy.js';
import type { BlockedCaller, BlockListingStore } from '../../core/blocks/blocked-caller.js';
import { checkBlock, type BlockingStore } from '../../core/blocks/blocking-store.js';
import {
  checkRenewal,
  checkSettlement,
  type Held,
  type HoldingStore,
  type OpenHold,
} from '../../core/holds/holding-store.js';
import { acrossSlots } from './wire/across-slots.js';
import { isClusterClient, isRedisClient, nameOf, type RedisClient } from './connection/client.js';
import type { Command } from './wire/command.js';
import { commandFor, isSingle } from './wire/commands/for-hits.js';
import { Forget } from './wire/commands/forget.js';
import { Impose } from './wire/commands/impose.js';
import { JudgeHit } from './wire/commands/judge-hit.js';
import { Renew } from './wire/commands/renew.js';
import { Settle } from './wire/commands/settle.js';
import type { RedisServer } from './wire/server.js';
import { blockedCallers } from './blocked-callers.js';
import { openHoldsOf } from './open-holds.js';
import { RedisLimitBook } from './redis.limit-book.js';
import { Lanes } from './wire/lanes.js';
import { blockKey, blockKeys, holdsKey, partitionOf, StateKeys } from './wire/keys.js';

/** What a {@link RedisStore} takes. */
export interface RedisStoreOptions {
  /** Begins every stored key. Default `rl`. A client's own `keyPrefix` comes before it. */
  prefix?: string;
  /** Judges by this clock instead of Redis'. For tests; keys then live an hour at least. */
  now?: Clock;
  /** How long a call may take, in milliseconds: 1 to 60,000. Then it rejects with `StoreUnavailableError`. Default 250. */
  timeout?: number;
}

/** The default prefix of stored keys. */
export const DEFAULT_PREFIX = 'rl';
/** In milliseconds. */
export const DEFAULT_TIMEOUT = 250;

/**
 * Keeps quota in Redis 6.2 or later, or in Valkey: exact for any number of processes, judged by Redis' own clock, in
 * one script call for all hits of all requests that wait at the moment.
 *
 * On a Cluster the hits of one request may be in several hash slots. Then each hash slot is judged by itself. When one
 * denies, the charges of the others are given back. A give-back after its window has ended may admit that many units more. A
 * give-back that is lost over-charges.
 *
 * While a server fails, most calls are refused at once, and one call now and then tries the server.
 *
 * The store never closes the client.
 */
export class RedisStore implements BlockingStore, BlockListingStore, HoldingStore {
  /** Limits that change while applications run, shared by all applications with the same prefix. */
  readonly limits: LimitBook;
  private readonly lanes: Lanes;
  private readonly keys: StateKeys;
  private readonly timeout: number;
  private readonly now: Clock | undefined;

  /**
   * @param reports for the limiter that opens it
   * @throws RateLimitError `RL_REDIS_INVALID`, `RL_TIMEOUT_INVALID`
   */
  constructor(
    private readonly client: RedisClient,
    { prefix = DEFAULT_PREFIX, now, timeout = DEFAULT_TIMEOUT }: RedisStoreOptions = {},
    reports: StoreReports = {},
  ) {
    if (!isRedisClient(client)) {
      throw new RateLimitError(
        'RL_REDIS_INVALID',
        `RedisStore needs an ioredis Redis or Cluster, got ${kindOf(client)}`,
      );
    }
    checkTimeout(timeout);
    this.keys = new StateKeys(prefix);
    this.timeout = timeout;
    this.now = now;
    this.lanes = new Lanes(client, timeout, now, reports);
    this.limits = new RedisLimitBook(client, prefix, timeout);
  }

  /**
   * Charges all hits or none.
   *
   * @throws RateLimitError `RL_HIT_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_COST_INVALID`, `RL_HOLD_INVALID`,
   *   `RL_PATIENCE_INVALID`
   * @throws StoreUnavailableError when Redis gives no valid answer in time; it may have charged
   */
  consume(hits: readonly Hit[]): Promise<Decision[]> {
    // Not async, because each request would pay for another promise.
    try {
      checkHits(hits);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is a RateLimitError
      return Promise.reject(error);
    }
    if (hits.length === 0) return Promise.resolve([]);
    if (isSingle(hits)) return this.judge(hits[0]!);
    return mergingHits(copied(hits), isClusterClient(this.client) ? this.askCluster : this.askServer);
  }

  /**
   * Makes the quota full again, and ends its block and its holds.
   *
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   * @throws StoreUnavailableError when Redis gives no answer in time; it may have reset, but does not any later
   */
  async reset(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    const state = this.keys.of(policy, partitionOf(key));
    await this.forget([state, holdsKey(state), ...(policy.blocks ? blockKeys(state) : [])]);
  }

  /**
   * Blocks a key from now on. This replaces a block that it already has.
   *
   * @param policy one with `blockFor`
   * @param span in milliseconds; 0 ends a block as {@link unblock} does
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_BLOCK_OFF`, `RL_BLOCK_INVALID`
   * @throws StoreUnavailableError when Redis gives no answer in time; it may have blocked, but does not any later. Also
   *   when it takes no writes
   */
  async block(policy: Policy, key: string, span: number): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    checkBlock(policy, span);
    if (span === 0) return this.unblock(policy, key);
    const state = this.keys.of(policy, partitionOf(key));
    const lane = this.lanes.of(state);
    if (await this.send(lane, (server) => new Impose(policy, span, state, server, this.timeout))) return;
    // A request is denied even if its block cannot be written. But `block()` must not succeed without a block.
    throw new StoreUnavailableError(
      `${nameOf(this.client)} could not write the block: its memory is full, it is a replica, or it cannot save (see its log)`,
      { type: 'refused' },
    );
  }

  /**
   * Ends a block and forgets the steps; the quota stays as it is.
   *
   * @param policy one with `blockFor`
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`, `RL_BLOCK_OFF`
   * @throws StoreUnavailableError when Redis gives no answer in time; it may have unblocked, but does not any later
   */
  async unblock(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    checkBlock(policy);
    await this.forget([blockKey(this.keys.of(policy, partitionOf(key)), policy)]);
  }

  /**
   * The callers that a policy blocks now, by `SCAN` over all keys of the server, or of all primaries of a Cluster. A caller
   * may come twice.
   *
   * @param policy one with `blockFor`
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_BLOCK_OFF`
   * @throws StoreUnavailableError when a command has no answer in time, also in the middle of the list
   */
  async *blocked(policy: Policy): AsyncGenerator<BlockedCaller, void, undefined> {
    checkHits([{ policy, key: '', cost: 0 }]);
    checkBlock(policy);
    yield* blockedCallers(this.client, policy, this.keys, { timeout: this.timeout, now: this.now });
  }

  /**
   * Settles a hold: its charge becomes final, as if its hit had cost `cost`.
   *
   * @returns whether it was open until now; otherwise nothing changes
   * @throws RateLimitError `RL_COST_INVALID`, `RL_HOLD_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   * @throws StoreUnavailableError when Redis gives no answer in time. You may call it again: a hold is settled once
   */
  async settle(held: Held, cost: number): Promise<boolean> {
    checkSettlement(held, cost);
    const state = this.keys.of(held.policy, partitionOf(held.key));
    return this.settleAt(this.lanes.of(state), { ...held }, cost, state);
  }

  /**
   * Lets an open hold last for another `ttl` milliseconds from now on.
   *
   * @returns whether it is open
   * @throws RateLimitError `RL_HOLD_INVALID`, `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   * @throws StoreUnavailableError when Redis gives no answer in time; it may have renewed
   */
  async renew(held: Held, ttl: number): Promise<boolean> {
    checkRenewal(held, ttl);
    const state = this.keys.of(held.policy, partitionOf(held.key));
    return this.send(this.lanes.of(state), (server) => new Renew({ ...held }, ttl, state, server, this.timeout));
  }

  /**
   * The open holds of a policy and key, at most 1,000 of them.
   *
   * @throws RateLimitError `RL_POLICY_INVALID`, `RL_KEY_INVALID`
   * @throws StoreUnavailableError when Redis gives no answer in time
   */
  async holds(policy: Policy, key: string): Promise<OpenHold[]> {
    checkHits([{ policy, key, cost: 0 }]);
    const state = this.keys.of(policy, partitionOf(key));
    return openHoldsOf(this.client, policy, state, { timeout: this.timeout, now: this.now });
  }

  /** Removing keys is rare and has no fallback, so it is sent even while the breaker pauses. */
  private forget(keys: readonly string[]): Promise<void> {
    const lane = this.lanes.of(keys[0]!);
    return this.lanes.send(lane, new Forget(keys, this.lanes.serverOf(lane), this.timeout));
  }

  /** When every call that was made so far has its answer, at its deadline at the latest. */
  settled(): Promise<void> {
    return this.lanes.settled();
  }

  private readonly askServer = (hits: readonly Hit[]): Promise<Decision[]> => this.ask(0, hits, this.keysOf(hits));

  private readonly askCluster = (hits: readonly Hit[]): Promise<Decision[]> => {
    const keys = this.keysOf(hits);
    return acrossSlots(
      hits.map((hit, i) => ({ hit, key: keys[i]! })),
      ({ key }) => this.lanes.of(key),
      {
        timeout: this.timeout,
        pauseOf: (slot) => this.lanes.serverOf(slot).pause,
        ask: (slot, own) =>
          this.ask(
            slot,
            own.map(({ hit }) => hit),
            own.map(({ key }) => key),
          ),
        release: (slot, { hit: { policy, key, hold }, key: state }) =>
          this.settleAt(slot, { policy, key, id: hold!.id }, 0, state),
      },
    );
  };

  /** Without lists, because most requests have a single hit. */
  private judge(hit: Hit): Promise<Decision[]> {
    const key = this.keys.of(hit.policy, partitionOf(hit.key));
    return this.judgeAt(this.lanes.of(key), hit, key);
  }

  private judgeAt(lane: number, hit: Hit, key: string): Promise<Decision[]> {
    const server = this.lanes.serverOf(lane);
    const refusal = server.refusal();
    if (refusal) return Promise.reject(refusal);
    return this.lanes.send(lane, new JudgeHit(hit, key, server, this.timeout));
  }

  private ask(lane: number, hits: readonly Hit[], keys: readonly string[]): Promise<Decision[]> {
    if (isSingle(hits)) return this.judgeAt(lane, hits[0]!, keys[0]!);
    const server = this.lanes.serverOf(lane);
    const refusal = server.refusal();
    if (refusal) return Promise.reject(refusal);
    return this.lanes.send<Decision[]>(lane, commandFor(hits, keys, server, this.timeout));
  }

  private settleAt(lane: number, held: Held, cost: number, state: string): Promise<boolean> {
    return this.send(lane, (server) => new Settle(held, cost, state, server, this.timeout));
  }

  private async send<T>(lane: number, commandFor: (server: RedisServer) => Command<T>): Promise<T> {
    const server = this.lanes.serverOf(lane);
    const refusal = server.refusal();
    if (refusal) throw refusal;
    return this.lanes.send(lane, commandFor(server));
  }

  /** The hits of a request mostly share a key. */
  private keysOf(hits: readonly Hit[]): string[] {
    const keys: string[] = [];
    let last: string | undefined;
    let partition = '';
    for (const { policy, key } of hits) {
      if (key !== last) partition = partitionOf((last = key));
      keys.push(this.keys.of(policy, partition));
    }
    return keys;
  }
}

/**
 * Hits are sent later, and read again when the reply comes. If a caller changed its own meanwhile, the requests of others
 * in the batch would read wrong numbers.
 */
function copied(hits: readonly Hit[]): Hit[] {
  const copies: Hit[] = [];
  for (const hit of hits) {
    const { policy, key, cost, hold, patience } = hit;
    copies.push(isPlain(hit) ? { policy, key, cost } : { policy, key, cost, hold: hold && { ...hold }, patience });
  }
  return copies;
}
