import { liveLimitsOf } from './check-options.js';
import { KnownKeys } from './identity/known-keys.js';
import type { LimiterParts } from './limiter.js';
import { LiveLimits } from './limits/live-limits.js';
import { listsOf, type Lists } from './lists/lists.js';
import type { LimiterLogger } from './observer/logger.js';
import { loggingObserver, type SafeObserver } from './observer/logging-observer.js';
import { canBlockWith, openStores } from './open-stores.js';
import type { StoreOptions } from './options.js';

/**
 * Opens the parts of a limiter. The options must have been checked.
 *
 * @param lists the lists of the options, if they were read already
 * @param observer the observer of the options, if it was made already
 * @param keys what is known about the keys of requests
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`, `RL_LIST_INVALID`
 */
export async function openLimiter(
  options: StoreOptions,
  catalogue: LimiterParts['catalogue'],
  logger: LimiterLogger,
  lists: Lists | undefined = listsOf(options),
  observer: SafeObserver = loggingObserver(logger, options.onStoreFailure ?? 'local', options.observer),
  keys = new KnownKeys(),
): Promise<LimiterParts> {
  const { store, unobserved, kept, book, close } = await openStores(options, observer, logger);
  const every = liveLimitsOf(options);
  const limits = new LiveLimits(catalogue, book, { every, keys, warn: (news) => logger.warn(news) });
  await limits.start();
  const canBlock = canBlockWith(options);
  return { store, unobserved, kept, catalogue, lists, limits, observer, keys, canBlock, close };
}
