import type { Decision } from '../../core/decision.js';
import type { Policy } from '../../core/policy.js';
import { moment, type Caller } from './caller.js';
import { tooLate } from './wait-error.js';

/** What the last answer said: no hit that costs this much passes before then. */
interface Denial {
  readonly decision: Decision;
  readonly cost: number;
  readonly answeredAt: number;
  readonly until: number;
}

/** In milliseconds. After this time the quota may have been reset, or its limit raised. */
const STALE = 1_000;

/**
 * The callers of this process that wait for one quota, in order of arrival. The first one asks the store when the last
 * denial says that it passes, and the others wait behind it.
 */
export class Line {
  private readonly callers: Caller[] = [];
  private readonly called = new Set<Caller>();
  private last: Denial;
  private isOver = false;

  constructor(
    private readonly policy: Policy,
    private readonly key: string,
    decision: Decision,
    cost: number,
  ) {
    this.last = denial(decision, cost);
  }

  get isEmpty(): boolean {
    return this.callers.length === 0;
  }

  /** Callers that asked before there was a line may join late, so they join where they belong. */
  join(caller: Caller): void {
    let place = this.callers.length;
    while (place > 0 && this.callers[place - 1]!.number > caller.number) place--;
    this.callers.splice(place, 0, caller);
    if (!this.isOver && this.isTooLate(caller) && moment() - this.last.answeredAt > STALE) {
      this.isOver = true;
      this.callers[0]!.wake();
    }
  }

  leave(caller: Caller): void {
    this.called.delete(caller);
    const place = this.callers.indexOf(caller);
    if (place >= 0) this.callers.splice(place, 1);
    if (place === 0) this.callers[0]?.wake();
  }

  /** Whether it is the caller's turn to ask. */
  isCalled(caller: Caller): boolean {
    return this.callers[0] === caller || this.called.has(caller);
  }

  /** From when on the caller may pass, as far as is known. */
  passesFrom({ cost }: Caller): number {
    return this.isOver || cost < this.last.cost ? 0 : this.last.until;
  }

  /** @throws RateLimitWaitError `RL_WAIT_TIMEOUT` if the caller's time is up, or will be before it can pass */
  checkTime(caller: Caller): void {
    if (moment() >= caller.deadline || this.isTooLate(caller)) throw this.refusalOf(caller);
  }

  /** A caller was denied. The others that cannot pass in time need not wait. */
  denied(caller: Caller, decision: Decision): void {
    this.called.delete(caller);
    this.last = denial(decision, caller.cost);
    this.isOver = false;
    for (const other of this.callers) {
      if (other !== caller && this.isTooLate(other)) other.turnAway(this.refusalOf(other));
    }
  }

  /** A caller passed. The next ones for which enough seems to be left ask at once, all together. */
  passed(caller: Caller, { remaining }: Decision): void {
    this.isOver = true;
    let left = remaining;
    for (const next of this.callers) {
      if (next === caller || this.called.has(next)) continue;
      left -= next.cost;
      if (left < 0) return;
      this.called.add(next);
      next.wake();
    }
  }

  private isTooLate(caller: Caller): boolean {
    return !this.last.decision.isGuess && this.passesFrom(caller) > caller.deadline;
  }

  private refusalOf({ timeout }: Caller) {
    const { decision, until } = this.last;
    const retryAfter = Math.max(1, Math.ceil(until - moment()));
    return tooLate({ policy: this.policy, key: this.key }, timeout, { ...decision, retryAfter });
  }
}

function denial(decision: Decision, cost: number): Denial {
  const answeredAt = moment();
  return { decision, cost, answeredAt, until: answeredAt + Math.max(1, decision.retryAfter) };
}
