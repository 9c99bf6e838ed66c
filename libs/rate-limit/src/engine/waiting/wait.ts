import { algorithmOf } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import { decide } from '../decide.js';
import type { LimiterParts } from '../limiter-parts.js';
import { moment, type Caller } from './caller.js';
import { never, tooLate } from './wait-error.js';
import type { WaitTerms } from './wait-options.js';
import { full } from './waiting-room.js';

/** What a call waits for. */
interface Wish {
  readonly parts: LimiterParts;
  readonly caller: Caller;
  readonly given: string;
  /** The hit, with the limit of now. */
  readonly hit: () => Hit;
  readonly timeout: number;
  /** Whether it may wait. Otherwise it passes at once or not at all. */
  readonly mayWait: boolean;
}

/**
 * Waits until a hit passes, and spends it.
 *
 * A bucket is charged ahead of time, in one command, and the call sleeps until its turn. For other algorithms the calls
 * of this process form a line, and its first one asks when the last answer says that it passes.
 *
 * @param hitOf makes the hit; called for each attempt, because limits may change meanwhile
 * @param given the key as it was given, for lists
 */
export function waitFor(parts: LimiterParts, given: string, terms: WaitTerms, hitOf: () => Hit): Promise<Decision> {
  const { waiting } = parts;
  return waiting.admit(terms, async (caller) => {
    const first = hitOf();
    checkWaitable(first, terms.timeout);
    let next: Hit | undefined = first;
    const hit = () => {
      const fresh = next ?? hitOf();
      next = undefined;
      return fresh;
    };
    const mayWait = waiting.hasPlace(first);
    if (mayWait) waiting.enter(first);
    try {
      const wish = { parts, caller, given, hit, timeout: terms.timeout, mayWait };
      return await (hasTurns(first) ? inTurn(wish) : inLine(wish, first));
    } finally {
      if (mayWait) waiting.leave(first);
    }
  });
}

/** Whether hits can be charged ahead of time. */
const hasTurns = ({ policy }: Hit): boolean => algorithmOf(policy.algorithm).defaultBurst !== undefined;

/** @throws RateLimitError `RL_WAIT_INVALID`, `RL_PRECISION` */
function checkWaitable(hit: Hit, timeout: number): void {
  const { name, algorithm, limit, burst, window } = hit.policy;
  if (algorithmOf(algorithm).countsHolds) {
    throw new RateLimitError(
      'RL_WAIT_INVALID',
      `${name}: wait() cannot take a slot of concurrency, because nothing would give it back; ` +
        'use reserve(), and if it is denied call it again after retryAfter',
    );
  }
  // A bucket counts what it owes in units × ms.
  if (!hasTurns(hit) || Number.isSafeInteger((burst + Math.min(hit.cost, burst)) * window + limit * timeout)) return;
  throw new RateLimitError(
    'RL_PRECISION',
    `${name}: ${algorithm} counts exactly only while (burst + cost) × window in ms + limit × timeout in ms stays below 2^53; ` +
      `use a timeout of less than ${timeout} ms, or a smaller limit or burst`,
  );
}

/** Takes a turn in a bucket, and sleeps until it begins. Asks again only after a block, or if limits change. */
async function inTurn(wish: Wish): Promise<Decision> {
  const { caller, mayWait } = wish;
  for (;;) {
    const hit = wish.hit();
    const decision = await ask(wish, { ...hit, patience: mayWait ? caller.left : 0 });
    const answeredAt = moment();
    if (decision.allowed) {
      const { startsIn = 0, ...passed } = decision;
      if (startsIn === 0) return decision;
      await caller.sleep(answeredAt + startsIn).catch((error: unknown) => {
        giveBack(wish, hit, decision);
        throw error;
      });
      return { ...passed, resetAfter: Math.max(0, passed.resetAfter - startsIn) };
    }
    checkWorthwhile(wish, hit, decision);
    if (decision.retryAfter > caller.left) throw tooLate(hit, wish.timeout, decision);
    await caller.sleep(answeredAt + decision.retryAfter);
  }
}

/** Asks at once if nobody of this process waits. Otherwise, or if it is denied, it stands in line. */
async function inLine(wish: Wish, { policy, key }: Hit): Promise<Decision> {
  const { caller, parts } = wish;
  const { waiting } = parts;
  let line = waiting.lineOf({ policy, key });
  if (!line) {
    const hit = wish.hit();
    const decision = await ask(wish, unblocking(hit));
    if (decision.allowed) return decision;
    checkWorthwhile(wish, hit, decision);
    line = waiting.lineAfter(decision, hit);
  } else if (!wish.mayWait) throw full({ policy, key });

  line.join(caller);
  try {
    for (;;) {
      line.checkTime(caller);
      const from = line.isCalled(caller) ? line.passesFrom(caller) : Infinity;
      if (from > moment()) {
        await caller.sleep(Math.min(from, caller.deadline));
        continue;
      }
      const hit = wish.hit();
      const decision = await ask(wish, unblocking(hit));
      if (decision.allowed) {
        line.passed(caller, decision);
        return decision;
      }
      checkWorthwhile(wish, hit, decision);
      line.denied(caller, decision);
    }
  } finally {
    line.leave(caller);
  }
}

/** @throws RateLimitError `RL_WAIT_NEVER`, `RL_WAIT_FULL` */
function checkWorthwhile({ mayWait }: Wish, hit: Hit, decision: Decision): void {
  if (decision.retryAfter < 0) throw never(hit, decision);
  if (!mayWait) throw full(hit);
}

/** A call that waits begins no block. Without blocks the hit stays plain, which is the quickest. */
const unblocking = (hit: Hit): Hit => (hit.policy.blocks ? { ...hit, patience: 0 } : hit);

/** Asks the store. What a call spent that was turned away meanwhile is given back. */
async function ask(wish: Wish, hit: Hit): Promise<Decision> {
  const { parts, caller, given } = wish;
  const answer = Promise.resolve(decide(parts, [hit], [given]));
  try {
    return (await caller.unlessTurnedAway(answer))[0]!;
  } catch (error) {
    if (caller.isTurnedAway) parts.waiting.run(answer.then(([decision]) => giveBack(wish, hit, decision!)));
    throw error;
  }
}

/** Only to the store: what this process judged alone does not count there. */
function giveBack({ parts }: Wish, { policy, key, cost }: Hit, { allowed, by }: Decision): void {
  if (!allowed || by !== 'store' || cost === 0) return;
  parts.waiting.run((async () => await parts.store.consume([{ policy, key, cost: -cost }]))());
}
