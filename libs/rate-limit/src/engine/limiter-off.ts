import { MemoryLimitBook } from '../stores/memory/memory.limit-book.js';
import { UnlimitedStore } from '../stores/unlimited.store.js';
import { liveLimitsOf } from './check-options.js';
import type { KnownKeys } from './identity/known-keys.js';
import type { LimiterParts } from './limiter-parts.js';
import { LiveLimits } from './limits/live-limits.js';
import type { LimiterLogger } from './observer/logger.js';
import type { SafeObserver } from './observer/logging-observer.js';
import type { StoreOptions } from './options.js';

const OFF = 'Rate limits are off (enabled: false): every request passes, and no connection is opened.';

/**
 * What a limiter is made of that limits nothing (`enabled: false`). It opens nothing, and no list names anybody. Limits
 * can be set, in memory, so code that sets them runs as it is. Says so once.
 */
export function limiterOff(
  options: StoreOptions,
  catalogue: LimiterParts['catalogue'],
  logger: LimiterLogger,
  keys: KnownKeys,
  observer: SafeObserver,
): LimiterParts {
  logger.warn(OFF);
  const store = new UnlimitedStore();
  const settings = { every: liveLimitsOf(options), keys, warn: (news: string) => logger.warn(news) };
  return {
    store,
    unobserved: store,
    kept: () => OFF,
    catalogue: withoutLists(catalogue),
    lists: undefined,
    limits: new LiveLimits(catalogue, new MemoryLimitBook(), settings),
    observer,
    keys,
    canBlock: true,
    close: async () => undefined,
  };
}

const withoutLists = (catalogue: LimiterParts['catalogue']): LimiterParts['catalogue'] => ({
  livePolicies: catalogue.livePolicies,
  live: (name, fix) => catalogue.live(name, fix),
  get: () => undefined,
});
