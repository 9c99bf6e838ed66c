import { hasSlots } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Duration } from '../../core/duration.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { KeptHold } from './kept-hold.js';
import { costsOf, type Costs } from './costs.js';
import { ttlOf } from './ttl.js';

/** What {@link Hold} is made of. */
export interface HoldParts {
  readonly id: string;
  readonly decisions: readonly Decision[];
  readonly hits: readonly Hit[];
  readonly kept: KeptHold;
  /** How long it lasts at most, in milliseconds. */
  readonly ttl: number;
}

/**
 * A reservation: what `reserve()` took, until it is settled. If a policy denied it, `allowed` is false and nothing is held.
 *
 * `await using hold = …` keeps the estimate if nothing settles it, and frees slots.
 */
export class Hold {
  /** Whether all policies allowed it. */
  readonly allowed: boolean;
  private controller: AbortController | undefined;

  /** @internal */
  constructor(private readonly parts: HoldParts) {
    this.allowed = parts.decisions.every(({ allowed }) => allowed);
  }

  /** A decision for each policy that was asked, in their order. */
  get decisions(): readonly Decision[] {
    return this.parts.decisions;
  }

  /** The decision: of several the first that denied, or the first if none did. */
  get decision(): Decision {
    const { decisions } = this.parts;
    return decisions.find(({ allowed }) => !allowed) ?? decisions[0]!;
  }

  /** Names it for operators: `limiter.holds()` lists it, and `limiter.release()` frees it. */
  get id(): string {
    return this.parts.id;
  }

  /**
   * Is aborted when the hold is lost: its `ttl` passed, its lease could not be renewed because the store was away, or an
   * operator freed a slot of it (units that are freed are not noticed). Not when it is settled. The reason is a `RateLimitError` with the code `RL_HOLD_LOST`.
   */
  get signal(): AbortSignal {
    if (!this.controller) {
      const { kept } = this.parts;
      this.controller = new AbortController();
      kept.onLost = () => this.abort();
      if (kept.isLost) this.abort();
    }
    return this.controller.signal;
  }

  /**
   * Says what was really used. Units below the estimate are given back; units above it are always counted, up to the
   * policy's `debt`. Slots are freed.
   *
   * @param costs the units; under several policies with a quota by their names, as in `{ tokens: 1_240 }`. Policies that
   *   are left out keep their estimate
   * @returns whether all of it was held until now. A second call changes nothing and returns false, as does a call after
   *   its `ttl`. True for keys that lists exempt
   * @throws RateLimitError `RL_COST_INVALID`, `RL_UNKNOWN_POLICY`: nothing is settled. `StoreUnavailableError` when the store
   *   does not answer: the limiter tries again in the background until the hold is over, so you need not
   */
  async settle(costs: Costs): Promise<boolean> {
    return this.end(costsOf(costs, this.parts.kept.helds, () => this.policies));
  }

  /** Gives everything back. Returns and throws as {@link settle} does. */
  async release(): Promise<boolean> {
    return this.end(this.parts.kept.helds.map(() => 0));
  }

  /**
   * Lets it last for another `ttl` from now on. Default: the `ttl` of the reservation.
   *
   * @returns whether it is still held
   * @throws RateLimitError `RL_HOLD_INVALID`; `StoreUnavailableError` when the store does not answer
   */
  async extend(ttl?: Duration): Promise<boolean> {
    const span = ttl === undefined ? this.parts.ttl : ttlOf(ttl, 'extend()');
    if (!this.allowed) return false;
    return this.parts.kept.helds.length === 0 || this.parts.kept.extend(span);
  }

  /** Keeps the estimate and frees slots, unless it is settled. It does not throw: what fails is tried again. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { helds } = this.parts.kept;
    await this.end(helds.map(({ policy, units = 0 }) => (hasSlots(policy) ? 0 : units))).catch(() => undefined);
  }

  /** The names of the policies that were asked. */
  private get policies(): string[] {
    return [...new Set(this.parts.hits.map(({ policy }) => policy.name))];
  }

  private async end(costs: readonly number[]): Promise<boolean> {
    return this.allowed && this.parts.kept.settle(costs);
  }

  private abort(): void {
    this.controller!.abort(
      new RateLimitError(
        'RL_HOLD_LOST',
        `${this.policies.join(', ')}: the hold ${this.id} is lost: its ttl passed, it was freed, or it could not be renewed in time`,
      ),
    );
  }
}
