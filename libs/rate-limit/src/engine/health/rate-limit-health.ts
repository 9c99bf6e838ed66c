import { checkKnownKeys, checkOneOf } from '../../core/checks.js';
import type { Limiter } from '../limiter.js';

/** What `HealthIndicatorService.check(key)` of `@nestjs/terminus` returns, version 11 or later. */
export interface HealthSession<Up, Down, Degraded = never> {
  /** Reports that it works. */
  up(data: Record<string, unknown>): Up;
  /** Reports a failure: the check fails with 503. */
  down(data: Record<string, unknown>): Down;
  /** Reports that it works in part: the check passes. Terminus 12.1 has it. */
  degraded?(data: Record<string, unknown>): Degraded;
}

/** Options of {@link rateLimitHealth}. */
export interface RateLimitHealthOptions {
  /**
   * What to report while the store does not answer. `degraded`: the check passes, because the limiter goes on as
   * `onStoreFailure` says. `down`: the check fails. All instances then fail at the same time, so a load balancer may take
   * all of them away. Default `degraded`.
   */
  whenAway?: 'degraded' | 'down' | undefined;
}

/**
 * A health indicator for `@nestjs/terminus` 11 and 12: asks the store once, and reports who decides (`decidedBy`).
 *
 * @param session `HealthIndicatorService.check('rate-limit')`
 * @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID`
 *
 * @example
 * ```ts
 * this.health.check([() => rateLimitHealth(this.indicators.check('rate-limit'), this.limiter)]);
 * ```
 */
export async function rateLimitHealth<Up, Down, Degraded = never>(
  session: HealthSession<Up, Down, Degraded>,
  limiter: Pick<Limiter, 'health'>,
  options: RateLimitHealthOptions = {},
): Promise<Up | Down | Degraded> {
  checkKnownKeys(options, ['whenAway'], 'the third argument of rateLimitHealth()');
  const { whenAway = 'degraded' } = options;
  checkOneOf(whenAway, ['degraded', 'down'], 'RL_OPTION_INVALID', 'whenAway');
  const { isAvailable, by: decidedBy, problem } = await limiter.health();
  if (isAvailable) return session.up({ decidedBy });
  const data = { decidedBy, message: problem };
  if (whenAway === 'down') return session.down(data);
  return session.degraded ? session.degraded(data) : session.up({ ...data, degraded: true });
}
