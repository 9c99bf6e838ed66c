import { bookOf, type LimitBook } from '../core/limit-book.js';
import { type RateLimitStore } from '../core/store.js';
import { DenialCacheStore } from '../stores/denials/denial-cache.store.js';
import { FailurePolicyStore } from '../stores/failure/failure-policy.store.js';
import { MemoryLimitBook } from '../stores/memory/memory.limit-book.js';
import { MemoryStore } from '../stores/memory/memory.store.js';
import { nameOf, type RedisClient } from '../stores/redis/connection/client.js';
import { connect, disconnect } from '../stores/redis/connection/connection.js';
import { ShadowStore } from '../stores/shadow/shadow.store.js';
import { DEFAULT_PREFIX, DEFAULT_TIMEOUT, RedisStore } from '../stores/redis/redis.store.js';
import { denialCacheOf } from './check-options.js';
import { ObservedStore } from './observer/observed.store.js';
import type { LimiterLogger } from './observer/logger.js';
import type { SafeObserver } from './observer/safe-observer.js';
import type { StoreOptions } from './options.js';

/** Where quota and limits are kept, opened. */
export interface OpenStores {
  /** The store with everything around it. */
  readonly store: RateLimitStore;
  /** The same without events, for decisions that the limiter reports itself. */
  readonly unobserved: RateLimitStore;
  /** Where quota is kept, as a sentence for people. */
  readonly kept: () => string;
  /** Where limits are kept that change at run time. */
  readonly book: LimitBook;
  /** Closes what was opened here, after all pending calls have their answers. May be called twice. */
  readonly close: () => Promise<void>;
}

/** In milliseconds: the longest that closing waits for Redis. */
const LONGEST_PARTING = 1_000;

/**
 * Opens the connection to Redis, if there is one, and stacks the stores. An application also starts while Redis is
 * down: this waits at most three seconds for the first attempt.
 *
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`
 */
export async function openStores(
  options: StoreOptions,
  observer: SafeObserver,
  logger: LimiterLogger,
): Promise<OpenStores> {
  const { redis, prefix = DEFAULT_PREFIX, timeout = DEFAULT_TIMEOUT, store: custom } = options;
  if (redis === undefined) {
    const kept = custom ? 'Quotas are kept by the store in the options.' : IN_MEMORY;
    if (!custom) sayInMemory(options, logger);
    const store = new ShadowStore(custom ? answering(custom, options, observer) : new MemoryStore({}, observer));
    const book = bookOf(custom) ?? new MemoryLimitBook();
    return {
      store: observed(store, observer),
      unobserved: store,
      kept: () => kept,
      book,
      close: async () => undefined,
    };
  }
  const connection = await connect(redis, timeout, (news) => logger.warn(news));
  const store = new RedisStore(connection.client, { prefix, timeout }, observer);
  const kept = `Quotas are kept by ${nameOf(connection.client)}, with the prefix "${prefix}".`;
  logger.log(kept);
  const maxAge = denialCacheOf(options);
  const reliable = answering(store, options, observer);
  const quick = new ShadowStore(maxAge === undefined ? reliable : new DenialCacheStore(reliable, { maxAge }));
  return {
    store: observed(quick, observer),
    unobserved: quick,
    kept: () => `${kept}${reachText(connection.client, options)}`,
    book: store.limits,
    async close() {
      await store.settled();
      await disconnect(connection, Math.min(timeout, LONGEST_PARTING));
    },
  };
}

/** What that means for now, where Redis has not answered yet. Its connection may still open. */
function reachText({ status }: RedisClient, { onStoreFailure: mode = 'local' }: StoreOptions): string {
  if (status === undefined || status === 'ready') return '';
  return ` It is not reached yet: ${UNTIL_THEN[mode]}, unless the policy says something else.`;
}

const UNTIL_THEN = {
  local: 'each instance counts for itself',
  open: 'every request is admitted',
  closed: 'limited requests are answered with 503',
};

const answering = (
  store: RateLimitStore,
  { onStoreFailure: mode = 'local', instances }: StoreOptions,
  observer: SafeObserver,
): RateLimitStore => new FailurePolicyStore(store, { mode, instances, observer });

const observed = (store: RateLimitStore, observer: SafeObserver): RateLimitStore =>
  observer.checked || observer.nearLimit ? new ObservedStore(store, observer) : store;

const IN_MEMORY = 'Quotas are kept in memory, by this process alone. Set redis to share them between instances.';

function sayInMemory(options: StoreOptions, logger: LimiterLogger): void {
  // A warning if Redis was probably intended, for example by an environment variable that is not set.
  const isMissing = 'redis' in options && process.env.NODE_ENV === 'production';
  if (isMissing || options.instances !== undefined) logger.warn(IN_MEMORY);
  else logger.log(IN_MEMORY);
}
