import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is `true`, for 20 s; what else was answered last is told then. */
export async function until(complaint: string, ask: () => Promise<unknown>): Promise<void> {
  let answer: unknown;
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
    answer = await ask();
    if (answer === true) return;
  }
  throw new Error(`${complaint} within 20 s\n${String(answer)}`);
}
