import { liveLimitsOf } from './check-options.js';
import type { KnownKeys } from './identity/known-keys.js';
import type { LimiterParts } from './limiter-parts.js';
import { LiveLimits } from './limits/live-limits.js';
import { listsOf, type Lists } from './lists/lists.js';
import type { LimiterLogger } from './observer/logger.js';
import { exportMetrics } from './metrics/export-metrics.js';
import { listeningOf, type Listening } from './observer/listening.js';
import { abilitiesOf } from './store-abilities.js';
import { openStores } from './open-stores.js';
import type { StoreOptions } from './options.js';
import { WaitingRoom } from './waiting/waiting-room.js';

const IN_SHADOW =
  "Rate limits are in shadow (mode: 'shadow'): policies without a mode of their own only report, and deny nobody.";

/**
 * Opens the parts of a limiter. The options must have been checked.
 *
 * @param lists of the options, where they are read already
 * @param listening what hears its events, where it is made already
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`, `RL_LIST_INVALID`, `RL_OPENTELEMETRY_MISSING`,
 *   `RL_PROM_CLIENT_MISSING`, `RL_METRIC_TAKEN`
 */
export async function openLimiter(
  options: StoreOptions,
  catalogue: LimiterParts['catalogue'],
  logger: LimiterLogger,
  keys: KnownKeys,
  lists: Lists | undefined = listsOf(options),
  listening: Listening = listeningOf(options, logger),
): Promise<LimiterParts> {
  const { metrics, denialLog, deniedMost, observer } = listening;
  if (options.mode === 'shadow') logger.warn(IN_SHADOW);
  const endMetrics = metrics && (await exportMetrics(metrics, options, catalogue, (news) => logger.warn(news)));
  const opening = openStores(options, observer, logger);
  opening.catch(() => endMetrics?.());
  const { store, unobserved, kept, book, close } = await opening;
  const every = liveLimitsOf(options);
  const limits = new LiveLimits(catalogue, book, {
    every,
    keys,
    warn: (news) => logger.warn(news),
    changed: observer.limitChanged,
  });
  await limits.start();
  const waiting = new WaitingRoom();
  return {
    store,
    unobserved,
    kept,
    catalogue,
    lists,
    mode: options.mode ?? 'enforce',
    onStoreFailure: options.onStoreFailure ?? 'local',
    limits,
    observer,
    deniedMost,
    keys,
    waiting,
    ...abilitiesOf(options),
    warn: (news) => logger.warn(news),
    close: async () => {
      limits.stop();
      await waiting.close();
      await close();
      endMetrics?.();
      denialLog?.end();
    },
  };
}
