/**
 * The limiter without a framework: for scripts, workers, tests and other frameworks. And what a custom store needs.
 *
 * @module nestjs-redis-rate-limit/engine
 */
export { createLimiter } from './engine/create-limiter.js';
export { ipKey } from './engine/identity/ip-key.js';
export type { CallerQuota, CallerState } from './engine/caller-state.js';
export type { Hold } from './engine/holds/hold.js';
export type { Costs } from './engine/holds/costs.js';
export type { ReservationOptions, ReservationTerms } from './engine/holds/reservations.js';
export { rateLimitHealth, type HealthSession, type RateLimitHealthOptions } from './engine/health/rate-limit-health.js';
export type { LimiterHealth } from './engine/health/health.js';
export type { LogDenials } from './engine/observer/denial-log.js';
export type { DeniedCaller } from './engine/observer/denied-most/denied-most.js';
export type { Limiter } from './engine/limiter.js';
export type { AnyPolicy, Spending } from './engine/spending.js';
export type { LimiterConcurrency, LimiterOptions, LimiterPolicy, StoreOptions } from './engine/options.js';
export type { LimiterLogger } from './engine/observer/logger.js';
export type {
  DefinedLimit,
  LimitChange,
  LimitCondition,
  LiveLimit,
  OverrideKey,
} from './engine/limits/limit-change.js';
export type { LiveLimits } from './engine/limits/live-limits.js';
export type { DenyOptions, ListEntry } from './engine/lists/list.js';
export type { ListOptions, ListVerdict } from './engine/lists/lists.js';
export type { MetricsOptions, OpenTelemetryOptions } from './engine/metrics/options.js';
export type { OpenTelemetryMeterProvider } from './engine/metrics/open-telemetry/api.js';
export type { PrometheusRegistry } from './engine/metrics/prometheus/client.js';
export { RateLimitWaitError } from './engine/waiting/wait-error.js';
export type { WaitOptions } from './engine/waiting/wait-options.js';
export { usageOf } from './engine/llm/usage-of.js';
export type { LlmUsage } from './engine/llm/usage.js';

export { MemoryStore, type MemoryStoreOptions } from './stores/memory/memory.store.js';
export { RedisStore, type RedisStoreOptions } from './stores/redis/redis.store.js';
export type { RedisClient } from './stores/redis/connection/client.js';
export type {
  RedisClusterConnection,
  RedisClusterNode,
  RedisConnectionOptions,
  RedisLocation,
} from './stores/redis/connection/location.js';

export type { BlockFor, BlockOptions } from './core/blocks/block-rule.js';
export type { BlockRule, BlockState } from './core/blocks/block.js';
export { definePolicy } from './core/policy.js';
export type { ConcurrencyDefinition, Policy, PolicyDefinition, PolicyMode, StoreFailureMode } from './core/policy.js';
export type { Algorithm, ChargesByMark, Judgement, Quota } from './core/algorithm.js';
export { algorithmNames, algorithmOf, type AlgorithmName, type WindowAlgorithm } from './core/algorithms/index.js';
export type { Clock } from './core/clock.js';
export type { Decider, Decision } from './core/decision.js';
export type { Duration } from './core/duration.js';
export { RateLimitError, StoreUnavailableError, type StoreFailureType } from './core/errors.js';
export { checkHits, type Hit } from './core/hit.js';
export type { HoldRequest } from './core/holds/hold-request.js';
export { mergingHits } from './core/merging-hits.js';
export { judgeAll, settleOne, type Claim, type Outcome, type Settlement } from './core/judge-all.js';
export type { HeldUnits, Holds } from './core/holds/held-units.js';
export type {
  LimitBook,
  LimitChanges,
  LimitEntry,
  LimitNumbers,
  LimitWriteResult,
  LiveMode,
} from './core/limit-book.js';
export type {
  BatchEvent,
  BlockEvent,
  BreakerEvent,
  CallerEvent,
  DecisionEvent,
  DenialReason,
  HoldEvent,
  LimitChangeEvent,
  NearLimitEvent,
  Observer,
  PolicyNumbersNow,
  StoreReports,
} from './core/observer.js';
export type { CalendarDefinition, CalendarText, Weekday } from './core/calendar/calendar-window.js';
export type { CalendarUnit } from './core/calendar/grid.js';
export type { Window, WindowBounds } from './core/window.js';
export type { WindowDefinition } from './core/window-of.js';
export type { BlockedCaller, BlockListingStore } from './core/blocks/blocked-caller.js';
export type { BlockingStore } from './core/blocks/blocking-store.js';
export {
  checkRenewal,
  checkSettlement,
  type Held,
  type HoldingStore,
  type OpenHold,
} from './core/holds/holding-store.js';
export type { RateLimitStore } from './core/store.js';
export { rateLimitHeaders, type HeaderProfile, type Verdict } from './headers/ratelimit-headers.js';
