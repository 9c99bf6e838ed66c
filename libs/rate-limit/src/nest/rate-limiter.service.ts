import { Inject, Injectable } from '@nestjs/common';
import { spanOf } from '../core/blocks/block-rule.js';
import type { Decision } from '../core/decision.js';
import type { Duration } from '../core/duration.js';
import { checkHits, type Hit } from '../core/hit.js';
import { checkKnownKeys, definePolicy, isChecked, type Policy, type PolicyDefinition } from '../core/policy.js';
import { blocking, withoutBlocks, type RateLimitStore } from '../core/store.js';
import { LiveLimits } from './limits/live-limits.js';
import { listedDecision } from './lists/listed-decision.js';
import type { Plans } from './plan/plans.js';
import type { RateLimitSettings } from './settings.js';
import { RATE_LIMIT_PLANS, RATE_LIMIT_SETTINGS, RATE_LIMIT_STORE } from './tokens.js';

/** A policy by its name in the catalogue, defined, or spelled out. */
export type AnyPolicy = string | Policy | PolicyDefinition;

/**
 * The same quotas for code without a request: jobs, consumers, calls to others. A denial is an answer here, not an
 * exception. Keys are what the resolvers give: `user:42`, `ip:203.0.113.7`, or any text of your own.
 */
@Injectable()
export class RateLimiter {
  /** @internal */
  constructor(
    @Inject(RATE_LIMIT_STORE) private readonly store: RateLimitStore,
    @Inject(RATE_LIMIT_PLANS) private readonly plans: Plans,
    @Inject(RATE_LIMIT_SETTINGS) private readonly settings: RateLimitSettings,
    /** The catalogue's limits, to be read and changed while everything runs. */
    @Inject(LiveLimits) readonly limits: LiveLimits,
  ) {}

  /**
   * Spends `cost` units (default 1): 0 only looks, a negative number gives back. A key that a list of the module or of
   * the catalogue's policy names is decided by that list, whatever the cost (`by: 'list'`): denied for ever, or allowed
   * with a full quota of which nothing is spent.
   *
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`, `RL_COST_INVALID`, `RL_KEY_INVALID`,
   *   `RL_OPTION_UNKNOWN`, and what is wrong with a policy spelled out; `StoreUnavailableError` when the store gives no
   *   answer and the policy is `closed` then
   */
  async consume(policy: AnyPolicy, key: string, options: { cost?: number } = {}): Promise<Decision> {
    checkKnownKeys(options, ['cost'], "consume()'s third argument");
    const { cost = 1 } = options;
    const hit = { policy: this.policyOf(policy, key), key, cost };
    const listed = this.listed(hit);
    if (listed) return listed;
    const [decision] = await this.store.consume([hit]);
    return decision!;
  }

  /**
   * Looks, and spends nothing. Looking is allowed also where nothing remains: read `remaining`, not `allowed`. Throws as
   * {@link consume} does.
   */
  peek(policy: AnyPolicy, key: string): Promise<Decision> {
    return this.consume(policy, key, { cost: 0 });
  }

  /**
   * Makes the quota full again, and ends its block: the way to let somebody in. Throws as {@link consume} does, and
   * whenever the store gives no answer.
   */
  async reset(policy: AnyPolicy, key: string): Promise<void> {
    await this.store.reset(this.policyOf(policy, key), key);
  }

  /**
   * Denies a key for so long from now on, in place of a block that stands: `'15m'`, or milliseconds. The policy must
   * have a `blockFor`, `0` if code alone is to block.
   *
   * @throws RateLimitError `RL_BLOCK_OFF`, `RL_BLOCK_INVALID`, and as {@link reset} does
   */
  async block(policy: AnyPolicy, key: string, span: Duration): Promise<void> {
    await blocking(this.store).block(this.policyOf(policy, key), key, spanOf(span));
  }

  /**
   * Ends a block and forgets its steps; the quota stays as it is, and if it is spent the next request is denied and
   * blocked again: see {@link reset}. Throws as {@link block} does.
   */
  async unblock(policy: AnyPolicy, key: string): Promise<void> {
    await blocking(this.store).unblock(this.policyOf(policy, key), key);
  }

  /**
   * How long a block of the key stands still, in milliseconds; 0: there is none. Where the quota needs longer, `peek()`
   * says so by its `resetAfter`. Throws as {@link consume} does.
   */
  async blockedFor(policy: AnyPolicy, key: string): Promise<number> {
    return (await this.peek(policy, key)).blockedFor ?? 0;
  }

  private listed(hit: Hit): Decision | undefined {
    const { lists } = this.settings;
    const own = this.plans.catalogue.get(hit.policy.name)?.lists;
    if (!lists && !own) return undefined;
    checkHits([hit]);
    return listedDecision(hit, lists, own);
  }

  private policyOf(policy: AnyPolicy, key: string): Policy {
    const { catalogue } = this.plans;
    if (typeof policy === 'string') return catalogue.numbered(policy, 'spell the policy out').live.for(key);
    const spelledOut = isChecked(policy) ? policy : definePolicy(policy);
    if (spelledOut.blocks && !catalogue.canBlock) throw withoutBlocks();
    return spelledOut;
  }
}
