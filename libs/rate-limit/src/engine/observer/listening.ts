import type { StoreOptions } from '../options.js';
import type { LimiterMetrics } from '../metrics/limiter-metrics.js';
import { metricsOf } from '../metrics/metrics-of.js';
import { DenialLog } from './denial-log.js';
import { DeniedMost } from './denied-most/denied-most.js';
import type { LimiterLogger } from './logger.js';
import { sourcesOf, type ObserverSource } from './observer-source.js';
import { safeObserver, type SafeObserver } from './safe-observer.js';

/** Everything that receives or remembers what a limiter does. */
export interface Listening {
  /** The metrics; `undefined` if nothing receives them. */
  readonly metrics: LimiterMetrics | undefined;
  /** Logs denials; `undefined` if it is off. */
  readonly denialLog: DenialLog | undefined;
  /** Who was denied most. */
  readonly deniedMost: DeniedMost;
  /** All of them and the application's observers, whose errors are only logged. */
  readonly observer: SafeObserver;
}

/** @param others observers beside those of the options */
export function listeningOf(
  options: StoreOptions,
  logger: LimiterLogger,
  others: readonly ObserverSource[] = [],
): Listening {
  const metrics = metricsOf(options);
  const denialLog = options.logDenials && new DenialLog(options.logDenials, logger);
  const sources = [...sourcesOf(options, metrics, denialLog), ...others];
  const observer = safeObserver(logger, options.onStoreFailure ?? 'local', sources);
  return { metrics, denialLog, deniedMost: new DeniedMost(), observer };
}
