import { MemoryLimitBook } from '../stores/memory/memory.limit-book.js';
import { UnlimitedStore } from '../stores/unlimited.store.js';
import { liveLimitsOf } from './check-options.js';
import type { LimiterParts } from './limiter-parts.js';
import { LiveLimits } from './limits/live-limits.js';
import type { LimiterSetup } from './open-limiter.js';
import type { StoreOptions } from './options.js';
import { WaitingRoom } from './waiting/waiting-room.js';

const OFF = 'Rate limits are off (enabled: false): every request passes, and no connection is opened.';

/**
 * The parts of a limiter that limits nothing (`enabled: false`). It opens no connection and has no lists. Limits can
 * still be set, in memory, so that code which sets them runs unchanged. Logs one warning.
 */
export function limiterOff(
  options: StoreOptions,
  { catalogue, keys, listening, logger }: Omit<LimiterSetup, 'lists'>,
): LimiterParts {
  const { observer, deniedMost } = listening;
  logger.warn(OFF);
  const store = new UnlimitedStore();
  const waiting = new WaitingRoom();
  const settings = {
    every: liveLimitsOf(options),
    keys,
    warn: (news: string) => logger.warn(news),
    changed: observer.limitChanged,
  };
  return {
    store,
    unobserved: store,
    kept: () => OFF,
    catalogue: withoutLists(catalogue),
    lists: undefined,
    mode: options.mode ?? 'enforce',
    onStoreFailure: options.onStoreFailure ?? 'local',
    limits: new LiveLimits(catalogue, new MemoryLimitBook(), settings),
    observer,
    deniedMost,
    keys,
    waiting,
    canBlock: true,
    canHold: true,
    warn: settings.warn,
    close: () => waiting.close(),
  };
}

const withoutLists = (catalogue: LimiterParts['catalogue']): LimiterParts['catalogue'] => ({
  names: catalogue.names,
  livePolicies: catalogue.livePolicies,
  live: (name, fix) => catalogue.live(name, fix),
  get: (name) => {
    const entry = catalogue.get(name);
    return entry && { name, source: entry.source, lists: undefined };
  },
});
