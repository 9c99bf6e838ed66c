import { shown } from '../../core/shown.js';
import { isOfNothing } from '../../engine/identity/missing-ids.js';
import type { PolicySource } from '../../engine/policy-source.js';
import type { Partition } from '../keys/key-resolver.js';
import type { Call } from './call.js';

/**
 * The key that a function of the application returned. It is said once of a policy when there is none, and when it
 * looks as if all callers got the same: both mean that nobody is limited by itself.
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
        `${call.place}: the key of the policy ${shown(name)} is ${shown(partition)}: all callers with this key share one quota. ` +
        `Is what it is made of set by then? Return undefined where the policy is not for a request.${whenOf(call)}`,
    );
  }
  return partition;
}

/** Only some properties are watched; guards may set others. */
const whenOf = ({ phase }: Call): string =>
  phase === 'early'
    ? " The key is made before your guards: if one of them sets what it is made of, give the policy phase: 'late'."
    : '';
