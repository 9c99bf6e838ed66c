/**
 * The Nest module and everything that applications use with it. Exports for custom stores and other frameworks are in
 * `nestjs-redis-rate-limit/engine`.
 *
 * @module nestjs-redis-rate-limit
 */
export { RateLimitModule } from './nest/rate-limit.module.js';
export { RateLimitGuard } from './nest/request/rate-limit.guard.js';
export { RateLimiter } from './nest/rate-limiter.service.js';
export { RateLimit } from './nest/decorators/rate-limit.decorator.js';
export { SkipRateLimit } from './nest/decorators/skip-rate-limit.decorator.js';
export { Usage, callUsageOf, type CallUsage } from './nest/ending/usage.js';
export {
  RateLimitExceededException,
  RateLimitRefusedException,
  RateLimitUnavailableException,
} from './nest/request/exceptions.js';
export type { RateLimitModuleExtras } from './nest/module-definition.js';
export type {
  ConcurrencyOptions,
  PerRequest,
  PolicyOptions,
  PolicyReference,
  PolicyUse,
  RateLimitModuleOptions,
} from './nest/options.js';
export type { AnswerReader, CallOutcome, Ending, Settle } from './nest/ending/call-outcome.js';
export type { Count } from './nest/ending/final-cost.js';
export { llmUsage, type LlmPrice, type LlmUsageOptions } from './nest/ending/llm-usage.js';
export type { ResolveCache, Resolved, ResolvedPolicy, ResolveOptions } from './nest/resolve/resolved-policy.js';
export { RATE_LIMIT_OBSERVER, RATE_LIMIT_STORE } from './nest/tokens.js';

export { byIp } from './nest/keys/by-ip.js';
export { byApiKey, byHeader, byTenant, byUser } from './nest/keys/by-identity.js';
export { byAll, byFirst } from './nest/keys/combined.js';
export type { KeyResolver, Partition, Phase } from './nest/keys/key-resolver.js';
export type { KeyOptions, KeySettings } from './nest/keys/key-settings.js';
export type { RateLimitRequest } from './nest/request/request.js';

export { ipKey } from './engine/identity/ip-key.js';
export type { Identity } from './engine/identity/key-text.js';
export type { CallerQuota, CallerState } from './engine/caller-state.js';
export type { Hold } from './engine/holds/hold.js';
export type { Costs } from './engine/holds/costs.js';
export type { ReservationOptions, ReservationTerms } from './engine/holds/reservations.js';
export { rateLimitHealth, type HealthSession, type RateLimitHealthOptions } from './engine/health/rate-limit-health.js';
export type { LimiterHealth } from './engine/health/health.js';
export type { LogDenials } from './engine/observer/denial-log.js';
export type { DeniedCaller } from './engine/observer/denied-most/denied-most.js';
export type { AnyPolicy, Spending } from './engine/spending.js';
export type { MetricsOptions, OpenTelemetryOptions } from './engine/metrics/options.js';
export type { OpenTelemetryMeterProvider } from './engine/metrics/open-telemetry/api.js';
export type { PrometheusRegistry } from './engine/metrics/prometheus/client.js';
export { RateLimitWaitError } from './engine/waiting/wait-error.js';
export type { WaitOptions } from './engine/waiting/wait-options.js';
export type { LimitChange, LiveLimit, OverrideKey } from './engine/limits/limit-change.js';
export type { LiveLimits } from './engine/limits/live-limits.js';
export type { ListEntry } from './engine/lists/list.js';
export type { ListVerdict } from './engine/lists/lists.js';
export { usageOf } from './engine/llm/usage-of.js';
export type { LlmUsage } from './engine/llm/usage.js';

export { MemoryStore } from './stores/memory/memory.store.js';
export { RedisStore, type RedisStoreOptions } from './stores/redis/redis.store.js';
export type { RedisClient } from './stores/redis/connection/client.js';
export type { RedisLocation } from './stores/redis/connection/location.js';

export type { BlockedCaller } from './core/blocks/blocked-caller.js';
export type { BlockFor } from './core/blocks/block-rule.js';
export { definePolicy } from './core/policy.js';
export type { ConcurrencyDefinition, Policy, PolicyDefinition, PolicyMode, StoreFailureMode } from './core/policy.js';
export type { AlgorithmName, WindowAlgorithm } from './core/algorithms/index.js';
export type { Decider, Decision } from './core/decision.js';
export type { Duration } from './core/duration.js';
export type { CalendarDefinition, CalendarText, Weekday } from './core/calendar/calendar-window.js';
export type { CalendarUnit } from './core/calendar/grid.js';
export type { WindowDefinition } from './core/window-of.js';
export { RateLimitError, StoreUnavailableError, type StoreFailureType } from './core/errors.js';
export { type Hit } from './core/hit.js';
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
export type { LimitNumbers, LiveMode } from './core/limit-book.js';
export type { OpenHold } from './core/holds/holding-store.js';
export type { RateLimitStore } from './core/store.js';
export { rateLimitHeaders, type HeaderProfile, type Verdict } from './headers/ratelimit-headers.js';
export type { ProblemDetails } from './headers/problem-details.js';
