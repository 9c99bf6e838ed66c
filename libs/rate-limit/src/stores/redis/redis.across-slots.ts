import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';

/** A hit and the key of its state. */
export interface Located {
  readonly hit: Hit;
  readonly key: string;
}

type Ask = (slot: number, own: Located[]) => Promise<Decision[]>;

/**
 * One request on a Cluster: each slot judges its hits all or none; when one denies or fails, what the others charged
 * is given back.
 */
export async function acrossSlots(
  located: readonly Located[],
  slotOf: (located: Located) => number,
  ask: Ask,
): Promise<Decision[]> {
  const bySlot = new Map<number, Located[]>();
  for (const one of located) {
    const slot = slotOf(one);
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), one]);
  }
  const parts = [...bySlot].map(([slot, own]) => ({ slot, own }));
  if (parts.length === 1) return ask(parts[0]!.slot, parts[0]!.own);

  const answers = await Promise.allSettled(parts.map(({ slot, own }) => ask(slot, own)));
  const failed = answers.find((answer) => answer.status === 'rejected');
  const passed = (answer: (typeof answers)[number]) =>
    answer.status === 'fulfilled' && answer.value.every(({ allowed }) => allowed);

  if (!answers.every(passed)) {
    const back = parts.map(async ({ slot, own }, i) => {
      if (!passed(answers[i]!)) return;
      const decisions = await ask(slot, own.map(reversed));
      answers[i] = { status: 'fulfilled', value: decisions };
    });
    const done = Promise.allSettled(back);
    // Nobody waits for a give-back when there is no answer to mend by it.
    if (failed) throw failed.reason;
    await done;
  }

  const decisions = new Map<Located, Decision>();
  parts.forEach(({ own }, i) => {
    const answer = answers[i] as PromiseFulfilledResult<Decision[]>;
    own.forEach((one, n) => decisions.set(one, answer.value[n]!));
  });
  return located.map((one) => decisions.get(one)!);
}

const reversed = ({ hit, key }: Located): Located => ({ key, hit: { ...hit, cost: 0 - hit.cost } });
