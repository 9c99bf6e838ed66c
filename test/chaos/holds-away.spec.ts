import { createLimiter, type Hold, type Limiter, type LimiterOptions } from 'nestjs-redis-rate-limit/engine';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { everyKey } from '../exactness/stored-keys.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { tryOnceMore } from './busy-machine.js';

tryOnceMore();

const HOLDS = 20;
const policies = {
  tokens: { limit: 1_000, window: '1h' },
  slots: { algorithm: 'concurrency', limit: HOLDS, lease: '2s' },
} as const;

let server: Server;
const limiters: Limiter[] = [];
const log: string[] = [];
const note = (message: string) => void log.push(message);
beforeAll(async () => void (server = await startRedis()));
beforeEach(async () => {
  await connectTo(server.url).flushall();
  log.length = 0;
});
afterEach(async () => {
  await server.thaw();
  for (const limiter of limiters.splice(0)) await limiter.close();
  closeClients();
});
afterAll(() => server?.stop());

async function open(options: Omit<LimiterOptions, 'redis'> = {}): Promise<Limiter> {
  const logger = { log: () => undefined, warn: note, error: note };
  const limiter = await createLimiter({ policies, redis: server.url, logger, ...options });
  limiters.push(limiter);
  return limiter;
}

const left = async (limiter: Limiter, policy: string) => (await limiter.peek(policy, 'a')).remaining;
const spendings = [
  { policy: 'tokens', key: 'a', cost: 10 },
  { policy: 'slots', key: 'a' },
];
const reserve = (limiter: Limiter, ttl: '1s' | '1m' = '1m'): Promise<Hold[]> =>
  Promise.all(Array.from({ length: HOLDS }, () => limiter.reserve(spendings, { ttl })));
const settle = async (holds: readonly Hold[]) => Promise.allSettled(holds.map((hold) => hold.settle({ tokens: 1 })));
const isGivenUp = (line: string) => line.includes('could not be settled');

/** Until Redis decides again. */
async function back(limiter: Limiter): Promise<void> {
  await server.thaw();
  while ((await limiter.consume({ name: 'other', limit: 1_000_000, window: '1m' }, 'x')).by !== 'store')
    await sleep(20);
}

describe('reservations of an engine, while Redis is frozen', () => {
  it('are settled when it is back, and count once', async () => {
    const limiter = await open();
    const holds = await reserve(limiter);
    await server.freeze();
    const settled = await settle(holds);
    expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(['rejected']));
    await back(limiter);
    while ((await limiter.holds('tokens', 'a')).length > 0) await sleep(10);
    expect(await left(limiter, 'tokens')).toBe(1_000 - HOLDS);
    while ((await limiter.holds('slots', 'a')).length > 0) await sleep(10);
    expect((await everyKey(connectTo(server.url))).filter(({ life }) => life < 0)).toEqual([]);
    expect(await limiter.holds('tokens', 'a')).toEqual([]);
    // The first call that is answered hears that it was settled.
    for (const isFirst of [true, false]) {
      expect(await settle(holds)).toEqual(holds.map(() => ({ status: 'fulfilled', value: isFirst })));
    }
    expect(await left(limiter, 'tokens')).toBe(1_000 - HOLDS);
    expect(log.filter(isGivenUp)).toEqual([]);
  });

  it('for longer than they last: they keep their estimate, and one warning says so', async () => {
    const limiter = await open();
    const holds = await reserve(limiter, '1s');
    await server.freeze();
    await settle(holds);
    await sleep(1_100);
    await back(limiter);
    expect(await left(limiter, 'tokens')).toBe(1_000 - 10 * HOLDS);
    expect(await left(limiter, 'slots')).toBe(HOLDS);
    expect(log.filter(isGivenUp)).toEqual([expect.stringContaining('the store did not answer before the hold ended')]);
  });

  it('are taken here in its place, settled here when it is back, and cost nothing there', async () => {
    const limiter = await open({ onStoreFailure: 'local' });
    await limiter.reserve('tokens', 'a', { cost: 0 });
    await server.freeze();
    const holds = await reserve(limiter);
    expect(holds.every(({ allowed, decision }) => allowed && decision.by === 'local')).toBe(true);
    expect((await limiter.reserve(spendings)).allowed).toBe(false);
    const early = await settle(holds.slice(0, 5));
    expect(early.every((each) => each.status === 'fulfilled' && each.value)).toBe(true);
    expect(await left(limiter, 'tokens')).toBe(1_000 - 5 - 10 * (HOLDS - 5));
    expect(await left(limiter, 'slots')).toBe(5);
    await back(limiter);
    const late = await settle(holds);
    expect(late.map((each) => each.status === 'fulfilled' && each.value)).toEqual(holds.map((_, i) => i >= 5));
    expect(await left(limiter, 'tokens')).toBe(1_000);
    expect(await limiter.holds('slots', 'a')).toEqual([]);
    expect(log.filter(isGivenUp)).toEqual([]);
  });

  it('are admitted and not held with open, and fail with closed; both can be settled', async () => {
    const [lax, strict] = await Promise.all([open({ onStoreFailure: 'open' }), open({ onStoreFailure: 'closed' })]);
    await server.freeze();
    const holds = await reserve(lax);
    expect(holds.every(({ allowed, decision }) => allowed && decision.by === 'open')).toBe(true);
    await expect(strict.reserve(spendings)).rejects.toMatchObject({ code: 'RL_STORE_UNAVAILABLE' });
    expect((await settle(holds)).every((each) => each.status === 'fulfilled' && each.value)).toBe(true);
    await back(lax);
    expect(await left(lax, 'tokens')).toBe(1_000);
    expect(log.filter(isGivenUp)).toEqual([]);
  });
});

it('tens of thousands of holds leave nothing behind in a process, wherever they are kept', async () => {
  const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  execFileSync(process.execPath, [fileOf('../exactness/ensure-built.mjs')], { stdio: 'inherit' });
  const child = fork(fileOf('holds-heap.mjs'), [server.url], { execArgv: ['--expose-gc'], timeout: 60_000 });
  const told = once(child, 'message') as Promise<[Record<'memory' | 'redis' | 'local', number>]>;
  const gone = once(child, 'exit');
  const [grown] = await told;
  // It ends by itself: no timer and no connection holds it open.
  expect(await Promise.race([gone, sleep(5_000, 'late', { ref: false })])).toEqual([0, null]);
  const isFlat = Math.max(...Object.values(grown)) < 1 << 20;
  expect({ ...grown, isFlat }).toEqual({ ...grown, isFlat: true });
}, 60_000);
