import type { ExecutionContext } from '@nestjs/common';
import type { Hit } from '../../core/hit.js';
import type { KeyResolver, Partition } from '../keys/key-resolver.js';
import type { KeySettings } from '../keys/key-settings.js';
import type { RateLimitRequest } from '../request/request.js';
import { after, checkCost, textOf } from '../request/values.js';
import type { Lookup } from './lookup.js';
import type { Terms } from './terms.js';

/** The policy's own key and cost, which hold where a lookup says nothing of them. */
interface Use {
  readonly name: string;
  readonly key: KeyResolver;
  readonly cost: number | ((context: ExecutionContext) => number | Promise<number>);
}

/**
 * The hit of a policy that is looked up: at once, unless somebody has to be waited for. Nothing, when the policy does
 * not apply.
 *
 * @param keyBy gives the key that a resolver finds, which looks the policy up; or nothing, maybe without asking it
 */
export function resolvedHit(
  use: Use,
  lookup: Lookup,
  context: ExecutionContext,
  request: RateLimitRequest,
  settings: KeySettings,
  keyBy: (resolver: KeyResolver) => Partition | Promise<Partition>,
): Hit | undefined | Promise<Hit | undefined> {
  let terms: Terms | undefined;
  const resolver: KeyResolver = () =>
    after(lookup.by?.(context, request, settings), (by) =>
      after(lookup.find(context, by), (found) => {
        terms = found;
        // The same function is not asked twice: it may be a lookup of its own.
        return found.key ?? (use.key === lookup.by ? by : use.key(context, request, settings));
      }),
    );
  return after(keyBy(resolver), (key) => {
    if (key === undefined) return undefined;
    const { policy, cost: price } = terms!;
    const spent = price ?? (typeof use.cost === 'number' ? use.cost : use.cost(context));
    return after(spent, (cost) => {
      checkCost(cost, use.name);
      return { policy, key: textOf(key), cost };
    });
  });
}
