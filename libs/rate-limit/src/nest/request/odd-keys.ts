import { shown } from '../../core/shown.js';
import type { PolicySource } from '../../engine/policy-source.js';
import type { Partition } from '../keys/key-resolver.js';
import type { Call } from './call.js';
import { sayOnce } from './say-once.js';

/** The ends of keys that were made of a missing value. */
const OF_NOTHING = ['undefined', 'null', 'NaN', '[object Object]'];

/**
 * Checks the key that a function of the application returned. Warns once per policy if there is no key, and once if the
 * key seems to be the same for all callers.
 */
export function noted(partition: Partition, call: Call, source: PolicySource<Call>): Partition {
  if (call.attempt?.hasRead) return undefined;
  const { logger } = call.settings;
  const { name } = source.own;
  if (partition === undefined || partition === null) {
    sayOnce(
      source,
      'no key',
      logger,
      () =>
        `${call.place}: the key of the policy ${shown(name)} is ${partition}, so the policy does not limit such requests. ` +
        'If you want that, use skip. If not, return a key for every request.',
    );
  } else if (typeof partition === 'string' && isOfNothing(partition)) {
    sayOnce(
      source,
      'shared key',
      logger,
      () =>
        `${call.place}: the key of the policy ${shown(name)} is ${shown(partition)}, so all callers with this key share one quota. ` +
        'Check that the values it is made of are set, or return undefined for requests that the policy should not limit.',
    );
  }
  return partition;
}

const isOfNothing = (key: string): boolean => key === '' || OF_NOTHING.some((end) => key.endsWith(end));
