import { hasSlots } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import type { Duration } from '../../core/duration.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import { LONGEST_HOLD } from '../../core/holds/hold-request.js';
import { withoutHolds, type Held } from '../../core/holds/holding-store.js';
import { recording } from '../../core/policy.js';
import { hasTaken } from '../../core/shadow.js';
import { shown, shownNumber } from '../../core/shown.js';
import { byStrictest } from '../by-strictest.js';
import { decide, noteDenials, record } from '../decide.js';
import type { HitMaker } from '../hit-maker.js';
import type { LimiterParts } from '../limiter-parts.js';
import { keysOf, type Spending } from '../spending.js';
import { Hold } from './hold.js';
import { nextHoldId } from './hold-id.js';
import type { KeptHolds } from './kept-holds.js';
import { DEFAULT_TTL, ttlOf } from './ttl.js';

/** How long a reservation lasts, and what becomes of it then. */
export interface ReservationTerms {
  /** The longest that it lasts, at most a day. Default `'5m'`. */
  ttl?: Duration;
  /** Whether the estimate is given back when the `ttl` passes and nothing has settled it. Default: it is kept. */
  givesBack?: boolean;
}

/** Options of `reserve()`. */
export interface ReservationOptions extends ReservationTerms {
  /** The estimate, in units. Default 1. */
  cost?: number;
}

/** Reserves units until code says what was really used, and records units that were used already. */
export class Reservations {
  constructor(
    private readonly parts: LimiterParts,
    private readonly hits: HitMaker,
    private readonly kept: KeptHolds,
  ) {}

  /** @throws RateLimitError, `StoreUnavailableError` */
  async reserve(spendings: readonly Spending[], { ttl = DEFAULT_TTL, givesBack }: ReservationTerms): Promise<Hold> {
    this.checkCanHold();
    const span = ttlOf(ttl, 'reserve()');
    if (givesBack !== undefined && typeof givesBack !== 'boolean') {
      throw new RateLimitError(
        'RL_HOLD_INVALID',
        `givesBack of reserve() must be true or false, got ${shown(givesBack)}`,
      );
    }
    const hits = spendings.map((spending) => this.hits.hitOf(spending, 'reserve'));
    hits.forEach(checkConsiders);
    const lease = leaseOf(hits);
    const id = nextHoldId();
    const hold = { id, ttl: Math.min(lease, span), ...(givesBack && { givesBack }) };
    const sentAt = this.kept.now();
    const asked = byStrictest(hits.map((hit) => ({ ...hit, hold })));
    const decisions = await decide(this.parts, asked, keysOf(spendings));
    noteDenials(this.parts, asked, decisions);
    return new Hold({
      id,
      decisions,
      hits,
      kept: this.kept.keep(heldOf(asked, decisions, id), { lease, longest: span, sentAt }),
      ttl: span,
    });
  }

  /** @throws RateLimitError, `StoreUnavailableError` */
  async charge(spendings: readonly Spending[]): Promise<Decision[]> {
    this.checkCanHold();
    const hits = byStrictest(spendings.map((spending) => this.hits.hitOf(spending, 'charge')));
    for (const { policy, cost } of hits) {
      // The store reports costs that are not whole numbers.
      if (!(cost < 0)) continue;
      throw new RateLimitError(
        'RL_COST_INVALID',
        `${policy.name}: charge() counts units that were used, so a cost must not be negative, got ${shownNumber(cost)}; to give back, use consume()`,
      );
    }
    const recorded = hits.map((hit) => ({ ...hit, policy: recording(hit.policy) }));
    return record(this.parts, recorded, keysOf(spendings));
  }

  private checkCanHold(): void {
    if (!this.parts.canHold) throw withoutHolds();
  }
}

/** @throws RateLimitError `RL_HOLD_INVALID` if a denial of `consume()` could begin a block because of what is reserved */
function checkConsiders({ policy: { name, blocks, considersHolds } }: Hit): void {
  if (!blocks || considersHolds) return;
  throw new RateLimitError(
    'RL_HOLD_INVALID',
    `${name}: a policy with blockFor needs a lease to be reserved from, as in lease: '30s'; without it, units that are only reserved could block a caller`,
  );
}

/**
 * How long the store holds without a renewal, in milliseconds. Slots of a process that dies must become free soon; units
 * that were charged may as well wait for the end of the reservation.
 */
function leaseOf(hits: readonly Hit[]): number {
  let lease: number = LONGEST_HOLD;
  for (const { policy } of hits) if (hasSlots(policy)) lease = Math.min(lease, policy.lease);
  return lease;
}

/** What is held after these decisions, once for each policy and key. Where no store judged, nothing is. */
function heldOf(hits: readonly Hit[], decisions: readonly Decision[], id: string): Held[] {
  if (!decisions.every(({ allowed }) => allowed)) return [];
  const helds: (Held & { units: number })[] = [];
  hits.forEach(({ policy, key, cost }, i) => {
    if (!hasTaken(decisions[i]!) || (hasSlots(policy) && cost === 0)) return;
    const same = helds.findIndex((held) => held.policy.id === policy.id && held.key === key);
    if (same < 0) helds.push({ policy, key, id, units: cost });
    else if (!hasSlots(policy)) helds[same] = { ...helds[same]!, units: helds[same]!.units + cost };
  });
  return helds;
}
