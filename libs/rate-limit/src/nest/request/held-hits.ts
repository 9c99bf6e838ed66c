import { isPromise } from '../../core/after.js';
import type { Decision } from '../../core/decision.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { HoldRequest } from '../../core/holds/hold-request.js';
import { hasTaken } from '../../core/shadow.js';
import { saidBy, shown } from '../../core/shown.js';
import type { KeptHold } from '../../engine/holds/kept-hold.js';
import type { KeptHolds } from '../../engine/holds/kept-holds.js';
import type { CallOutcome } from '../ending/call-outcome.js';
import type { FinalCost } from '../ending/final-cost.js';
import { watchEnding } from '../ending/watch-ending.js';
import type { Call } from './call.js';

/** A hit whose charge is held until the call ends. */
export interface HeldHit extends Hit {
  readonly hold: HoldRequest;
  readonly final: FinalCost;
}

/** What the hits of a call may have taken. */
export interface Taken {
  readonly hits: readonly Hit[];
  readonly decisions: readonly Decision[];
  /** When the hits were sent, by the clock of {@link KeptHolds}. */
  readonly sentAt: number;
}

const isHeld = (hit: Hit): hit is HeldHit => hit.hold !== undefined && 'final' in hit;

/** After a response is over its handler may run for this part of a lease. Then what is known by then is settled. */
const PART_AFTER_CLOSE = 2 / 3;

/**
 * Keeps what the hits of a call hold, and settles each hold when the call has ended. Nothing of that reaches the call.
 *
 * @throws RateLimitError `RL_HANDLER_UNKNOWN` if the end of the call cannot be known; then nothing is held any longer
 */
export function keepUntilEnd(call: Call, taken: Taken, holds: KeptHolds): void {
  const kept = keptOf(taken, holds);
  try {
    for (const [hit, hold] of kept) settleAtEnd(call, hit, hold, holds);
  } catch (error) {
    releaseAll(call, kept);
    throw error;
  }
}

/** Gives back what the hits of a call hold: it was answered before they were decided. */
export function releaseHeld(call: Call, taken: Taken, holds: KeptHolds): void {
  if (taken.decisions.every(({ allowed }) => allowed)) releaseAll(call, keptOf(taken, holds));
}

type Kept = readonly (readonly [HeldHit, KeptHold])[];

/** Only a store holds: a list, or `onStoreFailure: 'open'`, charges nothing. */
const keptOf = ({ hits, decisions, sentAt }: Taken, holds: KeptHolds): Kept =>
  hits.flatMap((hit, i) => {
    if (!isHeld(hit) || !hasTaken(decisions[i]!)) return [];
    const { policy, key, hold, cost: units } = hit;
    return [[hit, holds.keep([{ policy, key, id: hold.id, units }], { lease: hold.ttl, sentAt })] as const];
  });

function releaseAll(call: Call, kept: Kept): void {
  for (const [hit, hold] of kept) hold.finish([0], (error) => warn(call, hit, error));
}

function settleAtEnd(call: Call, hit: HeldHit, hold: KeptHold, holds: KeptHolds): void {
  const { final, cost, policy } = hit;
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => end.giveUp();
  const end = watchEnding(
    call.context,
    { held: cost, reader: final.reader },
    {
      closed() {
        // Mostly the handler has ended too, and this needs no timer.
        setImmediate(() => {
          if (hasEnded) return;
          timer = setTimeout(giveUp, policy.lease * PART_AFTER_CLOSE).unref();
          holds.parting.add(giveUp);
        });
      },
      ended(outcome) {
        hasEnded = true;
        clearTimeout(timer);
        holds.parting.delete(giveUp);
        settle(call, hit, hold, outcome, holds);
      },
      failed: (error) => warn(call, hit, error),
    },
  );
}

/** If the application's function fails, or does not answer, the estimate is kept. */
function settle(call: Call, hit: HeldHit, hold: KeptHold, outcome: CallOutcome, holds: KeptHolds): void {
  const finish = (units: number): void => hold.finish([units], (error) => warn(call, hit, error));
  const failed = (error: unknown): void => {
    warn(call, hit, error);
    finish(hit.cost);
  };
  // Refused by another policy or a list: nothing was tried.
  if (call.isDenied) return finish(0);
  noteNothingFound(call, hit, outcome);
  try {
    const units = hit.final.of(outcome);
    if (isPromise(units)) holds.waitFor(inTime(units, hit.policy.lease * PART_AFTER_CLOSE).then(finish, failed));
    else finish(units);
  } catch (error) {
    failed(error);
  }
}

/** The likeliest mistake with a reader: the model's usage is not in the answer, and every call keeps its estimate. */
function noteNothingFound(call: Call, { final, policy: { id, name } }: HeldHit, outcome: CallOutcome): void {
  const { ending, found, used } = outcome;
  if (!final.reader || ending !== 'success' || found !== undefined || used !== undefined) return;
  call.settings.warnOnce(
    `no usage for ${id}`,
    () =>
      `${call.place}: settle of the policy ${shown(name)} found no usage in an answer, so the estimate stays charged. Ask the model's API ` +
      'for it (OpenAI: stream_options.include_usage), answer with it as "usage", or say it by @Usage().',
  );
}

/** Without an end the hold would be renewed for ever, and what the call left would stay in memory. */
async function inTime<T>(answer: PromiseLike<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`its function gave no answer within ${Math.round(ms)} ms`)), ms).unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

const warn = (call: Call, { policy: { id, name } }: HeldHit, error: unknown): void =>
  call.settings.warnOnce(
    `the end of ${id}`,
    () =>
      `${call.place}: a call keeps its estimate under the policy ${shown(name)}, because what it really costs is unknown: ` +
      (error instanceof RateLimitError ? error.message : saidBy(error)),
  );
