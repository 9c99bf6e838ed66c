import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LimiterPolicy } from 'nestjs-redis-rate-limit/engine';
import { sharedRedis } from '../support/redis/servers.js';

const PROCESSES = 4;
const CALLS_EACH = 50;

interface Call {
  asked: number;
  began: number;
}

/** In milliseconds: Redis counts whole ones, and the clocks of processes differ by parts of one. */
const CLOCKS = 3;

/** No unit was charged before this. When calls begin is late by what a busy machine adds, and says less. */
const firstAsked = (calls: readonly Call[]): number => Math.min(...calls.map(({ asked }) => asked));

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const worker of running.splice(0)) {
    if (worker.exitCode !== null) continue;
    const ended = once(worker, 'exit');
    worker.disconnect();
    await ended;
  }
});

beforeAll(() => void execFileSync(process.execPath, [fileOf('ensure-built.mjs')], { stdio: 'inherit' }), 120_000);

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Processes with one quota. */
async function start(policy: LimiterPolicy): Promise<ChildProcess[]> {
  const prefix = `wait-${process.pid}-${Math.random()}`;
  const args = [sharedRedis().url, prefix, JSON.stringify(policy)];
  const workers = Array.from({ length: PROCESSES }, () =>
    fork(fileOf('wait-worker.mjs'), args, { execArgv: [], timeout: 60_000 }),
  );
  running.push(...workers);
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  return workers;
}

/** When calls asked and began: one call every 4 ms, of each process in turn. */
async function callsOf(policy: LimiterPolicy): Promise<Call[]> {
  const workers = await start(policy);
  const answers = Promise.all(workers.map((worker) => once(worker, 'message')));
  const begins = Date.now() + 100;
  workers.forEach((worker, i) => {
    const moments = Array.from({ length: CALLS_EACH }, (_, n) => begins + 4 * (n * PROCESSES + i));
    worker.send({ moments, timeout: '20s' });
  });
  return (await answers).flatMap(([{ calls, error }]) => {
    if (!calls) throw new Error(error);
    return calls as Call[];
  });
}

describe('calls of four processes that wait for one quota', () => {
  it.each(['gcra', 'token-bucket'] as const)('begin no closer than %s allows, and use all of it', async (algorithm) => {
    const burst = algorithm === 'gcra' ? 1 : 10;
    const calls = await callsOf({ algorithm, limit: 100, window: '1s', burst });
    expect(calls).toHaveLength(PROCESSES * CALLS_EACH);

    calls.sort((a, b) => a.began - b.began);
    const first = firstAsked(calls);
    const early = calls.map(({ began }, i) => first + Math.max(0, i - burst + 1) * 10 - began);
    expect(Math.max(...early)).toBeLessThan(CLOCKS);

    // All of the quota is used: nobody waits while units are there.
    expect(calls.at(-1)!.began - first).toBeLessThan(10 * (calls.length - burst) + 2_000);
  });

  it.each(['gcra', 'token-bucket'] as const)('get turns in order of arrival: %s', async (algorithm) => {
    const minute = 60_000;
    const workers = await start({ algorithm, limit: 1, window: minute, burst: 1 });
    const turns: number[] = [];
    for (let n = 0; n < 40; n++) {
      const worker = workers[n % PROCESSES]!;
      const answer = once(worker, 'message');
      worker.send({ timeout: '1d' });
      const [{ sleeps, error }] = (await answer) as [{ sleeps: number; error?: string }];
      expect(error).toBeUndefined();
      // The test takes less than a minute.
      turns.push(Math.ceil(sleeps / minute));
    }
    expect(turns).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('never pass more often than a window allows', async () => {
    const calls = await callsOf({ algorithm: 'sliding-log', limit: 100, window: '1s' });
    const began = calls.map((call) => call.began).sort((a, b) => a - b);
    const first = firstAsked(calls);
    expect(began[100]! - first).toBeGreaterThan(1_000 - CLOCKS);
    expect(began.at(-1)! - first).toBeLessThan(4_000);
  });
});
