import { DAY, milliseconds, SECOND, type Duration } from '../duration.js';
import { RateLimitError } from '../errors.js';
import { shown } from '../shown.js';

/** In milliseconds. */
export const DEFAULT_LEASE = 30 * SECOND;

/** @throws RateLimitError `RL_LEASE_INVALID` */
export function leaseOf(lease: Duration | undefined): number {
  if (lease === undefined) return DEFAULT_LEASE;
  let span = NaN;
  try {
    span = milliseconds(lease);
  } catch {
    // The error below names the option.
  }
  if (span >= SECOND && span <= DAY) return span;
  throw new RateLimitError('RL_LEASE_INVALID', `lease must be a span from '1s' to '1d', got ${shown(lease)}`);
}

/** @throws RateLimitError `RL_OPTION_INVALID` for an option that `concurrency` does not take */
export function refuseQuotaOptions(options: Record<string, unknown>): void {
  const [name] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `concurrency takes no ${name}: it counts requests that have not ended, as in { algorithm: 'concurrency', limit: 5, lease: '30s' }`,
  );
}
