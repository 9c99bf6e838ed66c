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
  /** Why not to ask a slot now; `undefined`: ask. */
  readonly pauseOf: (slot: number) => StoreUnavailableError | undefined;
  readonly ask: (slot: number, own: Located[]) => Promise<Decision[]>;
  /** Settles the hold of a hit with 0. */
  readonly release: (slot: number, held: Located) => Promise<unknown>;
}

/**
 * One request on a Cluster. Each slot judges its hits, all or none. When one slot denies or fails, the charges of the others
 * are given back, and their holds are settled with 0. Hits that give back (a negative cost) wait until all others have
 * passed: a full quota may take only a part of them, so they could not be undone.
 */
export async function acrossSlots(
  located: readonly Located[],
  slotOf: (located: Located) => number,
  { timeout, pauseOf, ask, release }: Slots,
): Promise<Decision[]> {
  const deadline = performance.now() + timeout;
  const parts = bySlot(located, slotOf);
  if (parts.length === 1) return ask(parts[0]!.slot, parts[0]!.own);
  // Refused before anything is charged that would have to be given back.
  for (const { slot } of parts) {
    const pause = pauseOf(slot);
    if (pause) throw pause;
  }

  const charged = await Promise.allSettled(parts.map(({ slot, own }) => ask(slot, own.map(withoutGiving))));
  const passed = charged.map((part) => part.status === 'fulfilled' && part.value.every(({ allowed }) => allowed));
  const failed = charged.find((part) => part.status === 'rejected');

  // Ask each part again if it has something to undo or to give back. Otherwise its decisions stand.
  const undo = passed.includes(false);
  const settled = parts.map(async ({ slot, own }, i) => {
    const part = charged[i]!;
    if (part.status === 'rejected') return [];
    if (undo && !passed[i]) return part.value;
    const again = own.map(undo ? undoing : giving);
    const held = undo ? own.filter(({ hit }) => hit.hold) : [];
    if (held.length === 0 && again.every(({ hit }) => hit.cost === 0)) return part.value;
    // In the same batch, before the question. A hold whose release is lost ends by itself.
    for (const one of held) release(slot, one).catch(() => undefined);
    return orBy(deadline, ask(slot, again), part.value);
  });
  // A request that failed does not wait for the undoing: its answer is the failure.
  if (failed) throw failed.reason;

  const decisions = new Map<Located, Decision>();
  (await Promise.all(settled)).forEach((part, i) => part.forEach((one, n) => decisions.set(parts[i]!.own[n]!, one)));
  return located.map((one) => decisions.get(one)!);
}

/** The answer, or `otherwise` when it fails or the deadline is over. The undoing continues, with its own deadline. */
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

/** The same hit at another cost, which is not held: its hold is there already, or is released. */
const costing = ({ hit, key }: Located, cost: number): Located => ({ key, hit: { ...hit, cost, hold: undefined } });

const withoutGiving = (one: Located): Located => (one.hit.cost < 0 ? costing(one, 0) : one);
const giving = (one: Located): Located => costing(one, Math.min(0, one.hit.cost));
const undoing = (one: Located): Located => costing(one, one.hit.hold ? 0 : 0 - Math.max(0, one.hit.cost));
