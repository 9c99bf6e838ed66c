import { liveLimitsOf } from './check-options.js';
import type { LimiterParts } from './limiter-parts.js';
import { LiveLimits } from './limits/live-limits.js';
import type { Lists } from './lists/lists.js';
import { exportMetrics } from './metrics/export-metrics.js';
import type { Listening } from './observer/listening.js';
import type { LimiterLogger } from './observer/logger.js';
import { abilitiesOf } from './store-abilities.js';
import { openStores } from './open-stores.js';
import type { StoreOptions } from './options.js';
import { WaitingRoom } from './waiting/waiting-room.js';

const IN_SHADOW =
  "Rate limits are in shadow (mode: 'shadow'): policies without a mode of their own only report, and deny nobody.";

/** What is made from the options before a limiter opens. */
export interface LimiterSetup extends Pick<LimiterParts, 'catalogue' | 'keys'> {
  readonly lists: Lists | undefined;
  readonly listening: Listening;
  readonly logger: LimiterLogger;
}

/**
 * Opens the parts of a limiter. The options must have been checked.
 *
 * @throws RateLimitError `RL_REDIS_INVALID`, `RL_IOREDIS_MISSING`, `RL_OPENTELEMETRY_MISSING`, `RL_PROM_CLIENT_MISSING`,
 *   `RL_METRIC_TAKEN`
 */
export async function openLimiter(
  options: StoreOptions,
  { catalogue, keys, lists, listening, logger }: LimiterSetup,
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
