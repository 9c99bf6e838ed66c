import { checkKnownKeys } from '../core/checks.js';
import { RateLimitError } from '../core/errors.js';
import type { Hit } from '../core/hit.js';
import { definePolicy, isChecked, type Policy } from '../core/policy.js';
import { shown } from '../core/shown.js';
import { checkHasId } from './identity/known-keys.js';
import type { LimiterParts } from './limiter-parts.js';
import type { AnyPolicy, Spending } from './spending.js';
import { withMode } from './with-mode.js';
import { checkAbilities } from './store-abilities.js';

/** Makes hits of the policies and keys that code names. */
export class HitMaker {
  constructor(private readonly parts: LimiterParts) {}

  /** @throws RateLimitError as `consume()` does */
  hitFor(policy: AnyPolicy, given: string, cost: number): Hit {
    const { keys } = this.parts;
    const key = keys.canonical(policy, given);
    if (typeof policy === 'string') keys.noteSpending(policy, key, typeof cost !== 'number' || cost <= 0);
    return { policy: this.policyOf(policy, key), key, cost };
  }

  /**
   * The hit of an entry of a list.
   *
   * @param method the method that took the list, for errors
   */
  hitOf(spending: Spending, method: string): Hit {
    checkKnownKeys(spending, ['policy', 'key', 'cost'], `an entry of ${method}()'s list`);
    const { policy, key, cost = 1 } = spending;
    return this.hitFor(policy, key, cost);
  }

  /** The key for calls that must affect a caller. */
  callerOf(policy: AnyPolicy, given: string): string {
    const { keys } = this.parts;
    const key = keys.canonical(policy, given);
    if (typeof policy === 'string') {
      if (!this.parts.catalogue.get(policy)?.isPerHandler) keys.checkShared(policy);
      keys.checkReaches(policy, key);
    } else checkHasId(policy.name, key);
    return key;
  }

  /** The policy for all keys without a limit of their own, for calls that name no caller. */
  policyForAll(policy: AnyPolicy): Policy {
    if (typeof policy === 'string') {
      if (!this.parts.catalogue.get(policy)?.isPerHandler) this.parts.keys.checkShared(policy);
    }
    return this.policyOf(policy, undefined);
  }

  policyOf(policy: AnyPolicy, key: string | undefined): Policy {
    if (typeof policy === 'string') {
      const { catalogue } = this.parts;
      if (catalogue.get(policy)?.isPerHandler) throw perHandler(policy);
      return catalogue.live(policy, 'pass { name, limit, window } in place of the name').for(undefined, key);
    }
    const spelledOut = isChecked(policy) ? policy : definePolicy(withMode(policy, this.parts.mode));
    checkAbilities(spelledOut, this.parts);
    return spelledOut;
  }
}

const perHandler = (name: string): RateLimitError =>
  new RateLimitError(
    'RL_POLICY_PER_HANDLER',
    `each handler has its own quota of the policy ${shown(name)} (per: 'handler'), so its name does not say which quota is meant; ` +
      'give the handler whose quota you need a policy with another name, and use that name here',
  );
