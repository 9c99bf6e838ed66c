import { RateLimitError } from '../core/errors.js';
import { kindOf } from '../core/shown.js';
import { checkKnownKeys } from '../core/checks.js';
import { checkPolicies, checkStoreOptions, invalid, isRecord, STORE_KEYS } from '../engine/check-options.js';
import { headerProfiles } from '../headers/ratelimit-headers.js';
import type { RateLimitModuleOptions } from './options.js';

export const MODULE_KEYS = [...STORE_KEYS, 'policies', 'default', 'headers', 'keys'];

/**
 * Checks the options as far as that is possible before anything is opened. Policies are checked with the handlers that
 * use them.
 *
 * @throws RateLimitError `RL_OPTION_UNKNOWN`, `RL_OPTION_INVALID`, `RL_FAILURE_MODE_INVALID`, `RL_TIMEOUT_INVALID`,
 *   `RL_DENIAL_CACHE_INVALID`, `RL_LIVE_LIMITS_INVALID`, `RL_INSTANCES_INVALID`
 */
export function checkOptions(options: RateLimitModuleOptions): void {
  if (typeof options !== 'object' || options === null) throw noOptions(options);
  const extra = ['guard', 'isGlobal'].find((name) => name in options);
  if (extra !== undefined) {
    // forRoot() takes these out; only what a factory returns still has them.
    throw new RateLimitError('RL_OPTION_UNKNOWN', `${extra} stands beside useFactory, not in what it returns`);
  }
  checkKnownKeys(options, MODULE_KEYS, 'RateLimitModule.forRoot()');
  const { headers } = options;
  if (headers !== undefined && !headerProfiles.includes(headers)) {
    throw invalid(`headers must be one of ${headerProfiles.join(', ')}`, headers);
  }
  checkPolicies(options.policies);
  if (options.default !== undefined && !Array.isArray(options.default)) {
    throw invalid('default must be a list of policies', options.default);
  }
  checkStoreOptions(options);
}

/** @throws RateLimitError `RL_OPTION_INVALID` for what Nest would take for no options at all */
export function checkRecord(options: unknown): void {
  if (!isRecord(options)) throw noOptions(options);
}

const noOptions = (value: unknown): RateLimitError =>
  new RateLimitError('RL_OPTION_INVALID', `RateLimitModule takes an object of options, got ${kindOf(value)}`);
