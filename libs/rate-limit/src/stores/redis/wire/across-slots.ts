import type { Decision } from '../../../core/decision.js';
import type { StoreUnavailableError } from '../../../core/errors.js';
import type { Hit } from '../../../core/hit.js';

/** A hit and the key of its state. */
export interface Located {
  readonly hit: Hit;
  readonly key: string;
}

interface Slots {
  /** In milliseconds: how long an answer may take. */
  readonly timeout: number;
  /** Why a slot is not worth asking at the moment, if it is not. */
  readonly pauseOf: (slot: number) => StoreUnavailableError | undefined;
  readonly ask: (slot: number, own: Located[]) => Promise<Decision[]>;
}

/**
 * One request on a Cluster: each slot judges its hits all or none; when one denies or fails, what the others charged
 * is given back. What the request itself gives back waits until all others have passed: it could be more than a full
 * quota takes, and then nobody would know how much of it to undo.
 */
export async function acrossSlots(
  located: readonly Located[],
  slotOf: (located: Located) => number,
  { timeout, pauseOf, ask }: Slots,
): Promise<Decision[]> {
  const deadline = performance.now() + timeout;
  const parts = bySlot(located, slotOf);
  if (parts.length === 1) return ask(parts[0]!.slot, parts[0]!.own);
  // Nothing is charged that would only have to be given back.
  for (const { slot } of parts) {
    const pause = pauseOf(slot);
    if (pause) throw pause;
  }

  const charged = await Promise.allSettled(parts.map(({ slot, own }) => ask(slot, own.map(withoutGiving))));
  const passed = charged.map((part) => part.status === 'fulfilled' && part.value.every(({ allowed }) => allowed));
  const failed = charged.find((part) => part.status === 'rejected');

  // Each part once more, where there is something to undo or to give; elsewhere its decisions stand.
  const undo = passed.includes(false);
  const settled = parts.map(async ({ slot, own }, i) => {
    const part = charged[i]!;
    if (part.status === 'rejected') return [];
    const again = own.map(undo ? undoing : giving);
    const idle = (undo && !passed[i]) || again.every(({ hit }) => hit.cost === 0);
    return idle ? part.value : orBy(deadline, ask(slot, again), part.value);
  });
  // A request that failed has no answer to mend, and does not wait for it.
  if (failed) throw failed.reason;

  const decisions = new Map<Located, Decision>();
  (await Promise.all(settled)).forEach((part, i) => part.forEach((one, n) => decisions.set(parts[i]!.own[n]!, one)));
  return located.map((one) => decisions.get(one)!);
}

/** The answer, or another one when it fails or the time has come. An undoing goes on, with a deadline of its own. */
async function orBy<T>(deadline: number, answer: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), Math.max(0, deadline - performance.now()));
  });
  return Promise.race([answer.catch(() => otherwise), late]).finally(() => clearTimeout(timer));
}

function bySlot(located: readonly Located[], slotOf: (located: Located) => number): { slot: number; own: Located[] }[] {
  const parts = new Map<number, Located[]>();
  for (const one of located) {
    const slot = slotOf(one);
    parts.set(slot, [...(parts.get(slot) ?? []), one]);
  }
  return [...parts].map(([slot, own]) => ({ slot, own }));
}

const costing = ({ hit, key }: Located, cost: number): Located => ({ key, hit: { ...hit, cost } });

const withoutGiving = (one: Located): Located => (one.hit.cost < 0 ? costing(one, 0) : one);
const giving = (one: Located): Located => costing(one, Math.min(0, one.hit.cost));
const undoing = (one: Located): Located => costing(one, 0 - Math.max(0, one.hit.cost));
