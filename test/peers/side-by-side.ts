import { setTimeout as sleep } from 'node:timers/promises';

/** Who still waits after a second. Nobody is waited for longer. */
export async function stillWaiting(answer: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol();
  return (await Promise.race([answer.catch(() => {}), sleep(1_000, waiting)])) === waiting;
}

/** The statuses of as many requests, one after another. */
export async function statuses(times: number, ask: () => Promise<Response>): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) all.push((await ask()).status);
  return all;
}
