import { spanOf } from '../core/blocks/block-rule.js';
import { checkKnownKeys } from '../core/checks.js';
import { blocking, withoutBlocks } from '../core/blocks/blocking-store.js';
import type { Decision } from '../core/decision.js';
import type { Duration } from '../core/duration.js';
import { RateLimitError } from '../core/errors.js';
import { checkHits, type Hit } from '../core/hit.js';
import { atMost, definePolicy, isChecked, type Policy, type PolicyDefinition } from '../core/policy.js';
import { shown } from '../core/shown.js';
import { type RateLimitStore } from '../core/store.js';
import type { CataloguePolicy } from './catalogue.js';
import { invalid } from './check-options.js';
import type { KnownKeys } from './identity/known-keys.js';
import type { LiveLimits, NamedLivePolicies } from './limits/live-limits.js';
import { listedDecision } from './lists/listed-decision.js';
import type { Lists } from './lists/lists.js';
import type { SafeObserver } from './observer/logging-observer.js';
import { eventOf } from './observer/observed.store.js';

/** A policy: its name in the catalogue, what `definePolicy()` returned, or a definition. */
export type AnyPolicy = string | Policy | PolicyDefinition;

/** What one call spends of one policy. */
export interface Spending {
  /** The policy. */
  policy: AnyPolicy;
  /** The caller that pays: `user:42`, `ip:203.0.113.7`, or any text. An address behind `ip:` may have any notation. */
  key: string;
  /** Quota units, default 1: 0 only looks, a negative number gives back. */
  cost?: number;
}

/** What a limiter is made of. */
export interface LimiterParts {
  readonly store: RateLimitStore;
  /** The same without events. */
  readonly unobserved: RateLimitStore;
  /** Where quota is kept, as a sentence for people. */
  readonly kept: string;
  readonly catalogue: NamedLivePolicies & {
    get(name: string): Pick<CataloguePolicy, 'lists' | 'isPerHandler'> | undefined;
  };
  readonly lists: Lists | undefined;
  readonly limits: LiveLimits;
  readonly observer: SafeObserver;
  readonly keys: KnownKeys;
  /** Whether the store can block. */
  readonly canBlock: boolean;
  /** Closes what was opened for it. */
  readonly close: () => Promise<void>;
}

/**
 * Decides by policies and keys, without a request and without a framework. A denial is returned, not thrown.
 * `createLimiter()` makes a limiter.
 *
 * An address behind `ip:` in a key counts as `byIp` counts it: `ip:::ffff:203.0.113.7` is `ip:203.0.113.7`, and
 * `ip:2001:db8::1` is its /64. In a Nest application the limiter also knows what the keys of requests begin with, for
 * each policy that a handler uses. `reset`, `block`, `unblock` and `limits.override` throw `RL_KEY_INVALID` for a key
 * without such a beginning, like `'42'` in place of `'user:42'`, because the call would affect no caller.
 */
export class Limiter {
  /** Reads and changes limits of the catalogue at run time. */
  readonly limits: LiveLimits;
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(private readonly parts: LimiterParts) {
    this.limits = parts.limits;
  }

  /** The store with all its wrappers, for code that makes its own hits. Allow and deny lists do not apply to it. */
  get store(): RateLimitStore {
    return this.parts.store;
  }

  /**
   * Spends `cost` units (default 1): 0 only looks, a negative number gives back.
   *
   * If an allow or deny list of the options or of the policy names the key, the list decides, whatever the cost
   * (`by: 'list'`): the key is always denied, or it is allowed with a full quota that stays full.
   *
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_POLICY_DYNAMIC`, `RL_POLICY_PER_HANDLER`, `RL_COST_INVALID`,
   *   `RL_KEY_INVALID`, `RL_OPTION_UNKNOWN`, and the codes of `definePolicy` for a definition; `StoreUnavailableError`
   *   when the store does not answer and `onStoreFailure` is `closed`
   */
  consume(policy: AnyPolicy, key: string, options?: { cost?: number }): Promise<Decision>;
  /**
   * Spends of several policies and keys at once, in one command: all of them are charged, or none is.
   *
   * If a list denies one entry, the others are only looked at. If several entries use one quota with different numbers,
   * as by name and by definition, the lowest numbers apply.
   *
   * @returns a decision for each entry, in their order; the call passes if all are `allowed`
   * @throws RateLimitError as for one policy, and `RL_OPTION_INVALID`
   */
  consume(spendings: readonly Spending[]): Promise<Decision[]>;
  async consume(
    first: AnyPolicy | readonly Spending[],
    key?: string,
    options?: { cost?: number },
  ): Promise<Decision | Decision[]> {
    if (isList(first)) {
      const isAlone = key === undefined && options === undefined;
      if (!isAlone) throw invalid('consume() takes one list, or a policy and a key', first);
      return this.decide(byStrictest(first.map((spending) => this.hitOf(spending))), keysOf(first));
    }
    if (isSpending(first)) throw invalid('consume() takes a list, as in consume([{ policy, key, cost }])', first);
    if (options !== undefined) checkKnownKeys(options, ['cost'], 'the third argument of consume()');
    const { cost = 1 } = options ?? {};
    const [decision] = await this.decide([this.hitFor(first, key!, cost)], [key!]);
    return decision!;
  }

  /**
   * Looks, and spends nothing. It is `allowed` even if nothing remains, so read `remaining`. Throws as
   * {@link consume} does.
   */
  peek(policy: AnyPolicy, key: string): Promise<Decision> {
    return this.consume(policy, key, { cost: 0 });
  }

  /**
   * Makes the quota full again, and ends its block: this lets a caller back in. Throws as {@link consume} does,
   * whenever the store does not answer, and `RL_KEY_INVALID` for a key that no request has.
   */
  async reset(policy: AnyPolicy, key: string): Promise<void> {
    const caller = this.callerOf(policy, key);
    await this.parts.store.reset(this.policyOf(policy, caller), caller);
  }

  /**
   * Blocks a key from now on for a span, `'15m'` or milliseconds. This replaces a block that the key has. The policy
   * must have a `blockFor` (`0` if only code blocks).
   *
   * @throws RateLimitError `RL_BLOCK_OFF`, `RL_BLOCK_INVALID`, and as {@link reset} does
   */
  async block(policy: AnyPolicy, key: string, span: Duration): Promise<void> {
    const caller = this.callerOf(policy, key);
    await blocking(this.parts.store).block(this.policyOf(policy, caller), caller, spanOf(span));
  }

  /**
   * Ends a block and forgets its steps. The quota stays as it is: if it is spent, the next request is denied and blocked
   * again. To let a caller back in, use {@link reset}. Throws as {@link block} does.
   */
  async unblock(policy: AnyPolicy, key: string): Promise<void> {
    const caller = this.callerOf(policy, key);
    await blocking(this.parts.store).unblock(this.policyOf(policy, caller), caller);
  }

  /**
   * How long the key stays blocked, in milliseconds; 0 if it is not blocked. The quota may need longer: to see when a
   * caller gets back in, read `resetAfter` of `peek()`. Throws as {@link consume} does.
   */
  async blockedFor(policy: AnyPolicy, key: string): Promise<number> {
    return (await this.peek(policy, key)).blockedFor ?? 0;
  }

  /**
   * Closes the limiter's connection to Redis, and stops reading changed limits. A client or a store that you passed
   * stays open. You may call it again, also while it closes.
   */
  async close(): Promise<void> {
    this.limits.stop();
    await (this.closing ??= this.parts.close());
  }

  /**
   * @param given the keys as code wrote them: lists name single addresses, and a hit's key may stand for a whole /64
   */
  private async decide(hits: readonly Hit[], given: readonly string[]): Promise<Decision[]> {
    const listed = this.listed(hits, given);
    if (!listed) return this.parts.store.consume(hits);

    const isDenied = listed.some((decision) => decision?.allowed === false);
    const others = hits.filter((_, i) => !listed[i]);
    let judged: Decision[] = [];
    if (others.length > 0) judged = await (isDenied ? this.lookAt(others) : this.parts.store.consume(others));
    let next = 0;
    const decisions = hits.map((_, i) => listed[i] ?? judged[next++]!);
    const { decided } = this.parts.observer;
    if (decided) {
      const passed = decisions.every(({ allowed }) => allowed);
      listed.forEach((decision, i) => decision && decided(eventOf(hits[i]!, decision, passed, 0)));
    }
    return decisions;
  }

  /** Whether hits would pass. The store is only asked to look, so this reports the events itself. */
  private async lookAt(hits: readonly Hit[]): Promise<Decision[]> {
    const { unobserved, observer } = this.parts;
    const began = performance.now();
    const looks = await unobserved.consume(hits.map((hit) => ({ ...hit, cost: 0 })));
    const duration = performance.now() - began;
    const decisions = looks.map((look, i) => wouldPass(hits[i]!, look));
    decisions.forEach((decision, i) => observer.decided?.(eventOf(hits[i]!, decision, false, duration)));
    return decisions;
  }

  /** The decisions of lists, one for each hit; `undefined` if no list names any of the keys. */
  private listed(hits: readonly Hit[], given: readonly string[]): (Decision | undefined)[] | undefined {
    const { lists, catalogue } = this.parts;
    if (!lists && !hits.some(({ policy }) => catalogue.get(policy.name)?.lists)) return undefined;
    checkHits(hits);
    const decisions = hits.map((hit, i) =>
      listedDecision(hit, given[i]!, lists, catalogue.get(hit.policy.name)?.lists),
    );
    return decisions.every((decision) => decision === undefined) ? undefined : decisions;
  }

  private hitOf(spending: Spending): Hit {
    checkKnownKeys(spending, ['policy', 'key', 'cost'], "an entry of consume()'s list");
    const { policy, key, cost = 1 } = spending;
    return this.hitFor(policy, key, cost);
  }

  private hitFor(policy: AnyPolicy, given: string, cost: number): Hit {
    const { keys } = this.parts;
    const key = keys.canonical(policy, given);
    if (typeof policy === 'string') keys.noteSpending(policy, key);
    return { policy: this.policyOf(policy, key), key, cost };
  }

  /** The key for calls that must affect a caller. */
  private callerOf(policy: AnyPolicy, given: string): string {
    const { keys } = this.parts;
    const key = keys.canonical(policy, given);
    if (typeof policy === 'string') keys.checkReaches(policy, key);
    return key;
  }

  private policyOf(policy: AnyPolicy, key: string): Policy {
    if (typeof policy === 'string') {
      const { catalogue } = this.parts;
      if (catalogue.get(policy)?.isPerHandler) throw perHandler(policy);
      return catalogue.live(policy, 'pass { name, limit, window } in place of the name').for(undefined, key);
    }
    const spelledOut = isChecked(policy) ? policy : definePolicy(policy);
    if (spelledOut.blocks && !this.parts.canBlock) throw withoutBlocks();
    return spelledOut;
  }
}

const isSpending = (first: unknown): boolean => typeof first === 'object' && first !== null && 'policy' in first;

const keysOf = (spendings: readonly Spending[]): string[] => spendings.map(({ key }) => key);

const isList = (first: unknown): first is readonly Spending[] => Array.isArray(first);

const perHandler = (name: string): RateLimitError =>
  new RateLimitError(
    'RL_POLICY_PER_HANDLER',
    `each handler has its own quota of the policy ${shown(name)} (per: 'handler'), so its name does not say which quota is meant; ` +
      'give the handler whose quota you need a policy with another name, and use that name here',
  );

/**
 * A store judges each quota once, under one policy. Without this the first entry would decide, even if it is the most
 * generous.
 */
function byStrictest(hits: readonly Hit[]): readonly Hit[] {
  if (hits.length < 2) return hits;
  checkHits(hits);
  const quotaOf = ({ policy, key }: Hit): string => `${policy.id}\n${key}`;
  const strictest = new Map<string, Policy>();
  let isMixed = false;
  for (const hit of hits) {
    const quota = quotaOf(hit);
    const known = strictest.get(quota);
    strictest.set(quota, known ? atMost(known, hit.policy) : hit.policy);
    if (known && known !== hit.policy) isMixed = true;
  }
  return isMixed ? hits.map((hit) => ({ ...hit, policy: atMost(hit.policy, strictest.get(quotaOf(hit))!) })) : hits;
}

/** Whether a hit would pass, by a look at its quota. The wait is for the next unit, although the hit may need more. */
function wouldPass({ policy, cost }: Hit, look: Decision): Decision {
  if (cost <= look.remaining || cost <= 0) return look;
  const canPass = policy.limit > 0 && cost <= policy.burst;
  return { ...look, allowed: false, retryAfter: canPass && look.resetAfter > 0 ? look.resetAfter : -1 };
}
