import { algorithmOf, hasSlots } from '../../core/algorithms/index.js';
import type { Decision } from '../../core/decision.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import { hasTaken } from '../../core/shadow.js';
import { decide } from '../decide.js';
import type { LimiterParts } from '../limiter-parts.js';
import { moment, type Caller } from './caller.js';
import { never, tooLate } from './wait-error.js';
import type { WaitTerms } from './wait-options.js';

/** What a call waits for. */
interface Wish {
  readonly parts: LimiterParts;
  readonly caller: Caller;
  readonly given: string;
  /** The hit, with the limit of now. */
  readonly hit: () => Hit;
}

/**
 * Waits until a hit passes, and spends it.
 *
 * A bucket is charged ahead of time, in one command, and the call sleeps until its turn. For other algorithms the calls
 * of this process form a line, and its first one asks when the last answer says that it passes. While no other
 * call of this process waits, a call first tries as `consume` does, which is the quickest.
 *
 * @param hitOf makes the hit; called for each attempt, because limits may change meanwhile
 * @param given the key as it was given, for lists
 */
export async function waitFor(
  parts: LimiterParts,
  given: string,
  terms: WaitTerms,
  hitOf: () => Hit,
): Promise<Decision> {
  const { waiting } = parts;
  const first = hitOf();
  checkWaitable(first, terms.timeout);
  const caller = waiting.arrive(terms);
  const wish = { parts, caller, given, hit: hitOf };
  try {
    let denial: Decision | undefined;
    // With blocks no hit is plain, so a turn costs no more than a try.
    if (!waiting.isAwaited(first) && !(first.policy.blocks && hasTurns(first))) {
      denial = await ask(wish, unblocking(first));
      if (denial.allowed) return denial;
      checkWorthwhile(caller, first, denial);
    }
    return await waiting.admit(caller, first, () => (hasTurns(first) ? inTurn(wish) : inLine(wish, first, denial)));
  } finally {
    caller.depart();
  }
}

/** Whether hits can be charged ahead of time. */
const hasTurns = ({ policy }: Hit): boolean => algorithmOf(policy.algorithm).defaultBurst !== undefined;

/** @throws RateLimitError `RL_WAIT_INVALID`, `RL_PRECISION` */
function checkWaitable(hit: Hit, timeout: number): void {
  const { name, algorithm, limit, burst, window } = hit.policy;
  if (hasSlots(hit.policy)) {
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
  const { caller } = wish;
  for (;;) {
    const hit = wish.hit();
    const decision = await ask(wish, { ...hit, patience: caller.left });
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
    checkWorthwhile(caller, hit, decision);
    await caller.sleep(Math.min(answeredAt + decision.retryAfter, caller.deadline));
  }
}

/** Stands in line until a hit passes. Asks first if it was not denied yet and there is no line. */
async function inLine(wish: Wish, first: Hit, denial: Decision | undefined): Promise<Decision> {
  const { caller } = wish;
  const { waiting } = wish.parts;
  let line = waiting.lineOf(first);
  if (!line) {
    const decision = denial ?? (await ask(wish, unblocking(first)));
    if (decision.allowed) return decision;
    checkWorthwhile(caller, first, decision);
    line = waiting.lineAfter(decision, first);
  }

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
      checkWorthwhile(caller, hit, decision);
      line.denied(caller, decision);
    }
  } finally {
    line.leave(caller);
  }
}

/** @throws RateLimitError `RL_WAIT_NEVER`, `RL_WAIT_TIMEOUT` */
function checkWorthwhile(caller: Caller, hit: Hit, decision: Decision): void {
  const { retryAfter, isGuess } = decision;
  if (retryAfter < 0) throw never(hit, decision);
  const { left } = caller;
  // A guess may be wrong: the last moment is worth another try.
  if (retryAfter > left && !(isGuess && left > 0)) throw tooLate(hit, caller.timeout, decision);
}

/** A call that waits begins no block. Without blocks the hit stays plain, which is the quickest. */
const unblocking = (hit: Hit): Hit => (hit.policy.blocks ? { ...hit, patience: 0 } : hit);

/** Asks the store. What a call spent that was turned away meanwhile is given back. */
async function ask(wish: Wish, hit: Hit): Promise<Decision> {
  const { parts, caller, given } = wish;
  const answer = Promise.resolve(decide(parts, [hit], [given]));
  try {
    const [decision] = await caller.unlessTurnedAway(answer);
    parts.deniedMost.note(hit, decision!);
    return decision!;
  } catch (error) {
    if (caller.isTurnedAway) parts.waiting.run(answer.then(([decision]) => giveBack(wish, hit, decision!)));
    throw error;
  }
}

/** Gives back what the store charged: not what this process judged alone, or what the shadow would have denied. */
function giveBack({ parts }: Wish, { policy, key, cost }: Hit, decision: Decision): void {
  if (!decision.allowed || decision.by !== 'store' || !hasTaken(decision) || cost === 0) return;
  parts.waiting.run((async () => await parts.store.consume([{ policy, key, cost: -cost }]))());
}
