import { refuseBareNumber } from '../core/bare-numbers.js';
import { spanOf } from '../core/blocks/block-rule.js';
import { checkKnownKeys } from '../core/checks.js';
import { listing, type BlockedCaller } from '../core/blocks/blocked-caller.js';
import { blocking, checkBlock } from '../core/blocks/blocking-store.js';
import type { Decision } from '../core/decision.js';
import type { Duration } from '../core/duration.js';
import { holding, type OpenHold } from '../core/holds/holding-store.js';
import { isInShadow } from '../core/shadow.js';
import { type RateLimitStore } from '../core/store.js';
import { byStrictest } from './by-strictest.js';
import { statesOf, type CallerState } from './caller-state.js';
import { decide, noteDenials } from './decide.js';
import { healthOf, type LimiterHealth } from './health/health.js';
import { HitMaker } from './hit-maker.js';
import type { Hold } from './holds/hold.js';
import { KeptHolds } from './holds/kept-holds.js';
import { Reservations, type ReservationOptions, type ReservationTerms } from './holds/reservations.js';
import type { LimiterParts } from './limiter-parts.js';
import type { LiveLimits } from './limits/live-limits.js';
import type { DeniedCaller } from './observer/denied-most/denied-most.js';
import { topOf } from './observer/denied-most/top-of.js';
import { waitFor } from './waiting/wait.js';
import { waitTermsOf, type WaitOptions } from './waiting/wait-options.js';
import { checkAlone, checkOne, isList, keysOf, spendingOf, type AnyPolicy, type Spending } from './spending.js';

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
  private readonly hits: HitMaker;
  private readonly reservations: Reservations;
  private closing: Promise<void> | undefined;

  /**
   * @internal
   * @param kept the open holds of this process
   */
  constructor(
    private readonly parts: LimiterParts,
    private readonly kept = new KeptHolds(parts.store, parts),
  ) {
    this.limits = parts.limits;
    this.hits = new HitMaker(parts);
    this.reservations = new Reservations(parts, this.hits, this.kept);
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
      checkAlone('consume', first, key, options);
      const hits = byStrictest(first.map((spending) => this.hits.hitOf(spending, 'consume')));
      const decisions = await decide(this.parts, hits, keysOf(first));
      noteDenials(this.parts, hits, decisions);
      return decisions;
    }
    checkOne('consume', first);
    if (options !== undefined) checkKnownKeys(options, ['cost'], 'the third argument of consume()');
    const { cost = 1 } = options ?? {};
    const hit = this.hits.hitFor(first, key!, cost);
    const [decision] = await decide(this.parts, [hit], [key!]);
    this.parts.deniedMost.note(hit, decision!);
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
   * Waits until the call passes, spends `cost` units (default 1), and returns the decision: the work may begin.
   * `timeout` is `'30s'` if you leave it out, and a day at most.
   *
   * - `token-bucket` and `gcra`: the bucket is charged now, ahead of time, and the call sleeps until its turn. Turns are in
   *   order of arrival across all processes, and nothing is polled. If a call is aborted or its process dies, the calls
   *   behind it do not move up, and later ones may overtake them.
   * - Windows: the calls of this process wait in order of arrival. The first of them asks when the last denial says.
   *
   * No block begins because of a call that waits. A block that stands is waited for. At most 10,000 calls wait in a
   * process, and 1,000 of them for one quota.
   *
   * @throws RateLimitWaitError at once: `RL_WAIT_TIMEOUT` if the wait would exceed the timeout, `RL_WAIT_NEVER` if the call
   *   can never pass or a list denies it
   * @throws RateLimitError `RL_WAIT_FULL`; `RL_WAIT_CLOSED` if the limiter closes; `RL_WAIT_INVALID` for `concurrency`;
   *   `RL_TIMEOUT_INVALID`, `RL_PRECISION`; and as {@link consume} does
   * @throws the reason of `signal` once it is aborted; the turn is given back
   */
  async wait(policy: AnyPolicy, key: string, options?: WaitOptions): Promise<Decision> {
    const terms = waitTermsOf(options);
    return await waitFor(this.parts, key, terms, () => this.hits.hitFor(policy, key, terms.cost));
  }

  /**
   * Makes the quota full again, and ends its block and its holds: this lets a caller back in. Throws as {@link consume}
   * does, and whenever the store gives no answer. Also `RL_KEY_INVALID` for a key that no request can have, and
   * `RL_POLICY_PER_HANDLER` where handlers use the policy only with quotas of their own.
   */
  async reset(policy: AnyPolicy, key: string): Promise<void> {
    const caller = this.hits.callerOf(policy, key);
    await this.parts.store.reset(this.hits.policyOf(policy, caller), caller);
  }

  /**
   * Denies a key from now on for a span: `'15m'`, or milliseconds (at least 1000 if it is a number). It replaces a block
   * that stands. The policy must have a `blockFor`; `0` if only code is to block.
   *
   * @throws RateLimitError `RL_BLOCK_OFF`, `RL_BLOCK_INVALID`, and as {@link reset} does
   */
  async block(policy: AnyPolicy, key: string, span: Duration): Promise<void> {
    const caller = this.hits.callerOf(policy, key);
    const known = this.hits.policyOf(policy, caller);
    refuseBareNumber(span, 'RL_BLOCK_INVALID', 'block()');
    const length = spanOf(span);
    await blocking(this.parts.store).block(known, caller, length);
    const { blocked, unblocked } = this.parts.observer;
    if (length === 0) unblocked?.({ policy: known.name, key: caller });
    else blocked?.({ policy: known.name, key: caller, span: length, by: 'code', shadow: isInShadow(known) });
  }

  /**
   * Ends a block and forgets its steps. The quota stays as it is: if it is spent, the next request is denied and blocked
   * again. To let a caller back in, use {@link reset}. Throws as {@link block} does.
   */
  async unblock(policy: AnyPolicy, key: string): Promise<void> {
    const caller = this.hits.callerOf(policy, key);
    const known = this.hits.policyOf(policy, caller);
    await blocking(this.parts.store).unblock(known, caller);
    this.parts.observer.unblocked?.({ policy: known.name, key: caller });
  }

  /**
   * How long the key stays blocked, in milliseconds; 0 if it is not blocked. The quota may need longer: to see when a
   * caller gets back in, read `resetAfter` of `peek()`. Throws as {@link consume} does.
   */
  async blockedFor(policy: AnyPolicy, key: string): Promise<number> {
    return (await this.peek(policy, key)).blockedFor ?? 0;
  }

  /**
   * Lists the callers that a policy blocks now, and how much longer. Blocks that are over are left out. A long key is stored
   * as a digest, and comes without `key`. A policy in shadow has blocks of its own, which block nobody.
   *
   * ```ts
   * for await (const { key, blockedFor } of limiter.blocked('login')) console.log(key, blockedFor);
   * ```
   *
   * For operators: Redis looks at all of its keys, a thousand at a time. A caller may come twice, and one whose block begins
   * meanwhile may be missing. Leave the loop to stop.
   *
   * @throws RateLimitError `RL_BLOCK_OFF`, `RL_STORE_WITHOUT_BLOCKS`, and as {@link reset} does;
   *   `StoreUnavailableError` when the store does not answer, except for the first time for a `local` policy: then it lists
   *   the blocks that stand in this process (`by: 'local'`)
   */
  blocked(policy: AnyPolicy): AsyncIterable<BlockedCaller> {
    const known = this.hits.policyForAll(policy);
    checkBlock(known);
    return listing(this.parts.store).blocked(known);
  }

  /**
   * Looks at one caller under every policy of the catalogue, in one command. Nothing is spent, and no event is
   * reported.
   * Where a quota cannot be known without a request, the state says why. Policies without a name are not in the catalogue.
   *
   * @throws RateLimitError `RL_KEY_INVALID`; `StoreUnavailableError` when the store does not answer and `onStoreFailure` of
   *   a policy is `closed`
   */
  inspect(key: string): Promise<CallerState[]> {
    return statesOf(this.parts, key);
  }

  /**
   * Takes units for work whose cost is known only at its end, or slots under `concurrency`. What is taken is charged now and
   * settled later:
   *
   * ```ts
   * await using hold = await limiter.reserve('tokens', 'tenant:7', { cost: 800, ttl: '2m' });
   * if (!hold.allowed) throw new Error(`try again in ${hold.decision.retryAfter} ms`);
   * const { usage } = await model.generate(prompt);
   * await hold.settle(usage.total_tokens);
   * ```
   *
   * A reservation that nothing settles ends with its `ttl`. While the process lives, the limiter renews its slots. If it
   * dies, they become free when the policy's `lease` is over.
   *
   * @returns the hold. A denial is returned, not thrown: read `allowed`
   * @throws RateLimitError `RL_HOLD_INVALID`, `RL_STORE_WITHOUT_HOLDS`, and as {@link consume} does
   */
  reserve(policy: AnyPolicy, key: string, options?: ReservationOptions): Promise<Hold>;
  /** Takes of several policies and keys at once: all of them, or none. */
  reserve(spendings: readonly Spending[], terms?: ReservationTerms): Promise<Hold>;
  async reserve(
    first: AnyPolicy | readonly Spending[],
    second?: string | ReservationTerms,
    options?: ReservationOptions,
  ): Promise<Hold> {
    if (!isList(first)) {
      const spending = spendingOf('reserve', first, second, options, ['cost', 'ttl', 'givesBack']);
      return this.reservations.reserve([spending], options ?? {});
    }
    checkAlone('reserve', first, options, typeof second === 'string' ? second : undefined);
    const terms = (second ?? {}) as ReservationTerms;
    checkKnownKeys(terms, ['ttl', 'givesBack'], 'the second argument of reserve()');
    return this.reservations.reserve(first, terms);
  }

  /**
   * Counts units that were used already: it is never denied, and nothing is free. Units over the limit are counted up to the
   * policy's `debt`; the next {@link consume} waits for them. Keys on an allow list are not counted.
   *
   * @returns what is left
   * @throws RateLimitError `RL_COST_INVALID`, `RL_STORE_WITHOUT_HOLDS`, and as {@link consume} does
   */
  charge(policy: AnyPolicy, key: string, options?: { cost?: number }): Promise<Decision>;
  /** Counts under several policies and keys at once. */
  charge(spendings: readonly Spending[]): Promise<Decision[]>;
  async charge(
    first: AnyPolicy | readonly Spending[],
    key?: string,
    options?: { cost?: number },
  ): Promise<Decision | Decision[]> {
    if (isList(first)) {
      checkAlone('charge', first, key, options);
      return this.reservations.charge(first);
    }
    const [decision] = await this.reservations.charge([spendingOf('charge', first, key, options, ['cost'])]);
    return decision!;
  }

  /**
   * Lists what is held of a policy and key, at most 1,000 holds: reservations that are not settled, and slots in use. For
   * operators. Throws as {@link reset} does.
   */
  async holds(policy: AnyPolicy, key: string): Promise<OpenHold[]> {
    const caller = this.hits.callerOf(policy, key);
    return holding(this.parts.store).holds(this.hits.policyOf(policy, caller), caller);
  }

  /**
   * Frees one hold of a policy and key, and gives back what it holds: for operators, where a process hangs.
   *
   * @param id as {@link holds} lists it
   * @returns whether it was open. Throws as {@link reset} does, and `RL_HOLD_INVALID`
   */
  async release(policy: AnyPolicy, key: string, id: string): Promise<boolean> {
    const caller = this.hits.callerOf(policy, key);
    return holding(this.parts.store).settle({ policy: this.hits.policyOf(policy, caller), key: caller, id }, 0);
  }

  /**
   * The callers that a policy denied most in the last five to ten minutes, the most denied first. In shadow: those it
   * would have denied. It counts this process only, and costs requests that pass nothing. Denials by allow and deny lists
   * are left out.
   *
   * @param options `most`: how many callers, 1 to 100. Default 10
   * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_OPTION_INVALID`, `RL_OPTION_UNKNOWN`
   */
  top(policy: string, options?: { most?: number }): DeniedCaller[] {
    return topOf(this.parts, policy, options);
  }

  /**
   * Asks the store once whether it answers, within its `timeout`. Nothing is charged or stored. On a Cluster one of the
   * primaries is asked. It never throws.
   */
  health(): Promise<LimiterHealth> {
    return healthOf(this.parts);
  }

  /**
   * Turns away calls that wait, closes the limiter's connection to Redis, and stops reading changed limits and renewing
   * leases. It waits for settlements that were begun, for a second at most. A client or a store that you passed stays
   * open. You may call it again, also while it closes.
   */
  async close(): Promise<void> {
    await (this.closing ??= this.kept.close().then(() => this.parts.close()));
  }
}
