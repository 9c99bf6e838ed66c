import { shown } from '../../core/shown.js';
import { isOfNothing } from '../../engine/identity/missing-ids.js';
import type { PolicySource } from '../../engine/policy-source.js';
import type { Partition } from '../keys/key-resolver.js';
import type { Call } from './call.js';

/**
 * Checks the key that a function of the application returned. Warns once per policy if there is no key, and once if the
 * key seems to be the same for all callers.
 */
export function noted(partition: Partition, call: Call, source: PolicySource<Call>): Partition {
  if (call.attempt?.hasRead) return undefined;
  const { warnOnce } = call.settings;
  const { id, name } = source.own;
  if (partition === undefined || partition === null) {
    warnOnce(
      `no key of ${id}`,
      () =>
        `${call.place}: the key of the policy ${shown(name)} is ${partition}, so the policy does not limit such requests. ` +
        `If that is meant, say it with skip; if not, return a key for every request.${whenOf(call)} ` +
        'The function receives the ExecutionContext of Nest, not the request.',
    );
  } else if (typeof partition === 'string' && isOfNothing(partition)) {
    warnOnce(
      `shared key of ${id}`,
      () =>
        `${call.place}: the key of the policy ${shown(name)} is ${shown(partition)}, so all callers with this key share one quota. ` +
        `Check that the values it is made of are set, or return undefined for requests that the policy should not limit.${whenOf(call)}`,
    );
  }
  return partition;
}

/** Only some properties are watched; guards may set others. */
const whenOf = ({ phase }: Call): string =>
  phase === 'early'
    ? " The key is made before your guards: if one of them sets what it is made of, give the policy phase: 'late'."
    : '';
