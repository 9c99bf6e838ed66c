import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import {
  algorithmNames,
  createLimiter,
  MemoryStore,
  type Hold,
  type Limiter,
  type LimiterOptions,
} from 'nestjs-redis-rate-limit/engine';
import { sharedRedis, startRedis } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';

const opened: Limiter[] = [];
afterEach(async () => {
  for (const limiter of opened.splice(0)) await limiter.close();
});

const logged: string[] = [];
const log = (message: string) => void logged.push(message);
const logger = { log: () => undefined, warn: log, error: log };
beforeEach(() => void (logged.length = 0));

async function limiterWith(
  policies: NonNullable<LimiterOptions['policies']>,
  options: LimiterOptions = {},
): Promise<Limiter> {
  const limiter = await createLimiter({ logger, policies, ...options });
  opened.push(limiter);
  return limiter;
}

const remaining = async (limiter: Limiter, policy: string, key = 'a') => (await limiter.peek(policy, key)).remaining;

const policies = {
  tokens: { limit: 1_000, window: '1h' },
  requests: { limit: 10, window: '1h' },
  uploads: { algorithm: 'concurrency', limit: 2, lease: '10s' },
} as const;

/** The same on both stores: what must hold does not depend on where quota is kept. */
describe.each(['memory', 'Redis'])('a reservation in %s', (place) => {
  const where = (): LimiterOptions =>
    place === 'Redis' ? { redis: sharedRedis().url, prefix: `holds-${randomUUID()}` } : {};

  it('takes the estimate at once, and is settled with what was used', async () => {
    const limiter = await limiterWith(policies, where());
    const hold = await limiter.reserve('tokens', 'a', { cost: 800, ttl: '2m' });
    expect(hold).toMatchObject({ allowed: true, decision: { remaining: 200, by: 'store' } });
    const [open] = await limiter.holds('tokens', 'a');
    expect(open).toMatchObject({ id: hold.id, cost: 800 });
    expect(open!.expiresIn).toBeGreaterThan(115_000);
    expect(open!.expiresIn).toBeLessThanOrEqual(120_000);

    expect(await hold.settle(300)).toBe(true);
    expect(await remaining(limiter, 'tokens')).toBe(700);
    expect(await hold.settle(1)).toBe(false);
    expect(await hold.release()).toBe(false);
    expect(await hold.extend()).toBe(false);
    expect(await remaining(limiter, 'tokens')).toBe(700);
    expect(await limiter.holds('tokens', 'a')).toEqual([]);
    expect(hold.signal.aborted).toBe(false);
  });

  it('counts more than the estimate, up to the debt', async () => {
    const limiter = await limiterWith({ ...policies, owing: { limit: 10, window: '1h', debt: 5 } }, where());
    const hold = await limiter.reserve('owing', 'a', { cost: 10 });
    expect(await hold.settle(1_000)).toBe(true);
    await limiter.consume('owing', 'a', { cost: -6 });
    // 15 of the thousand were counted, and 6 are back.
    expect(await remaining(limiter, 'owing')).toBe(1);
  });

  it('takes of several policies all or nothing, and settles them by name', async () => {
    const limiter = await limiterWith(policies, where());
    const several = [
      { policy: 'tokens', key: 'a', cost: 600 },
      { policy: 'requests', key: 'a' },
      { policy: 'uploads', key: 'a' },
    ];
    const first = await limiter.reserve(several, { ttl: '1m' });
    expect(first.decisions.map((decision) => decision.remaining)).toEqual([400, 9, 1]);
    const denied = await limiter.reserve(several);
    expect(denied.allowed).toBe(false);
    expect(denied.decision).toBe(denied.decisions[0]);
    expect(await denied.settle({ tokens: 5 })).toBe(false);
    expect(await remaining(limiter, 'requests')).toBe(9);
    expect(await remaining(limiter, 'uploads')).toBe(1);

    expect(await first.settle({ tokens: 1 })).toBe(true);
    expect(await remaining(limiter, 'tokens')).toBe(999);
    expect(await remaining(limiter, 'requests')).toBe(9);
    expect(await remaining(limiter, 'uploads')).toBe(2);
  });

  it('keeps the estimate when it is disposed of, and frees the slot', async () => {
    const limiter = await limiterWith(policies, where());
    const several = [
      { policy: 'tokens', key: 'a', cost: 5 },
      { policy: 'uploads', key: 'a' },
    ];
    const hold = await limiter.reserve(several);
    await hold[Symbol.asyncDispose]();
    expect(await remaining(limiter, 'tokens')).toBe(995);
    expect(await remaining(limiter, 'uploads')).toBe(2);
    const settled = await limiter.reserve(several);
    await settled.settle(1);
    await settled[Symbol.asyncDispose]();
    expect(await remaining(limiter, 'tokens')).toBe(994);
  });

  it('is freed by an operator, who finds it by its id', async () => {
    const limiter = await limiterWith(policies, where());
    const holds = await Promise.all([1, 2].map(() => limiter.reserve('uploads', 'a', { ttl: '1h' })));
    expect(await remaining(limiter, 'uploads')).toBe(0);
    const listed = await limiter.holds('uploads', 'a');
    expect(listed.map(({ id }) => id).sort()).toEqual(holds.map(({ id }) => id).sort());
    // A slot is never held for longer than its lease, however long the reservation lasts.
    for (const { expiresIn } of listed) expect(expiresIn).toBeLessThanOrEqual(10_000);

    expect(await limiter.release('uploads', 'a', holds[0]!.id)).toBe(true);
    expect(await limiter.release('uploads', 'a', holds[0]!.id)).toBe(false);
    expect(await remaining(limiter, 'uploads')).toBe(1);
    expect(await holds[0]!.extend()).toBe(false);
    expect(holds[0]!.signal.reason).toMatchObject({ code: 'RL_HOLD_LOST' });
    expect(await holds[0]!.settle(1)).toBe(false);
    expect(await holds[1]!.release()).toBe(true);
  });

  it('adds up what one reservation takes of one quota twice', async () => {
    const limiter = await limiterWith(policies, where());
    const hold = await limiter.reserve([
      { policy: 'tokens', key: 'a', cost: 3 },
      { policy: 'tokens', key: 'a', cost: 4 },
      { policy: 'uploads', key: 'a' },
      { policy: 'uploads', key: 'a' },
    ]);
    expect(await limiter.holds('tokens', 'a')).toMatchObject([{ cost: 7 }]);
    expect(await remaining(limiter, 'uploads')).toBe(1);
    expect(await hold.settle({})).toBe(true);
    expect(await remaining(limiter, 'tokens')).toBe(993);
    expect(await remaining(limiter, 'uploads')).toBe(2);
  });

  it.each(algorithmNames)('%s: usage that is charged afterwards is never denied and never free', async (algorithm) => {
    const limiter = await limiterWith(
      { tokens: { algorithm, limit: 1_000, window: '1m', burst: burstOf(algorithm) } },
      where(),
    );
    let served = 0;
    for (let i = 0; i < 10; i++) {
      if ((await limiter.peek('tokens', 'a')).remaining === 0) continue;
      served++;
      expect(await limiter.charge('tokens', 'a', { cost: 400 })).toMatchObject({ allowed: true });
    }
    // 400, 800, 1,200: the third goes into debt, and the next ones wait for it.
    expect(served).toBe(3);
    expect(await limiter.consume('tokens', 'a')).toMatchObject({ allowed: false });
  });
});

const burstOf = (algorithm: string): number | undefined =>
  algorithm === 'gcra' || algorithm === 'token-bucket' ? 1_000 : undefined;

describe('a hold', () => {
  it('of a key that lists exempt holds nothing, and is settled', async () => {
    const limiter = await limiterWith(policies, { allow: ['user:vip'], deny: ['user:bad'] });
    const hold = await limiter.reserve('tokens', 'user:vip', { cost: 5_000 });
    expect(hold).toMatchObject({ allowed: true, decision: { by: 'list' } });
    expect(await limiter.holds('tokens', 'user:vip')).toEqual([]);
    expect([await hold.extend(), await hold.settle(6_000), await hold.settle(1)]).toEqual([true, true, false]);

    const beside = await limiter.reserve([
      { policy: 'tokens', key: 'user:7', cost: 5 },
      { policy: 'tokens', key: 'user:bad' },
    ]);
    expect(beside).toMatchObject({ allowed: false, decision: { by: 'list' } });
    expect(await limiter.holds('tokens', 'user:7')).toEqual([]);
    // What a caller on a deny list used is counted all the same; what an exempt one used is not.
    expect(await limiter.charge('tokens', 'user:bad', { cost: 7 })).toMatchObject({ allowed: true, remaining: 993 });
    expect(await limiter.charge('tokens', 'user:vip', { cost: 7 })).toMatchObject({ by: 'list', remaining: 1_000 });
  });

  it('says when its time is over, if it holds anything', async () => {
    const limiter = await limiterWith(policies);
    const hold = await limiter.reserve('uploads', 'a', { ttl: '30ms' });
    await limiter.reserve('uploads', 'a');
    const denied = await limiter.reserve('uploads', 'a', { ttl: '30ms' });
    const settled = await limiter.reserve('tokens', 'a', { ttl: '30ms' });
    await settled.settle(1);
    const { signal } = denied;
    if (!hold.signal.aborted) await once(hold.signal, 'abort');
    await setTimeout(20);
    expect(hold.signal.reason).toMatchObject({ code: 'RL_HOLD_LOST' });
    expect([signal.aborted, settled.signal.aborted]).toEqual([false, false]);
    expect(await remaining(limiter, 'uploads')).toBe(1);
  });

  it('beyond the slots is denied, with a wait that is a guess', async () => {
    const store = new MemoryStore();
    const limiter = await limiterWith(policies, { store });
    const holds: Hold[] = [];
    for (let i = 0; i < 3; i++) holds.push(await limiter.reserve('uploads', 'a'));
    expect(holds.map(({ allowed }) => allowed)).toEqual([true, true, false]);
    expect(holds[2]!.decision).toMatchObject({ isGuess: true });
    expect(holds[2]!.decision.retryAfter).toBeLessThanOrEqual(1_000);
    expect(new Set(holds.map(({ id }) => id)).size).toBe(3);
  });

  it('needs a store that can hold', async () => {
    const memory = new MemoryStore();
    const store = { consume: memory.consume.bind(memory), reset: memory.reset.bind(memory) };
    const code = 'RL_STORE_WITHOUT_HOLDS';
    const { tokens, uploads } = policies;
    await expect(limiterWith({ uploads }, { store })).rejects.toMatchObject({ code });
    await expect(limiterWith({ tokens: { ...tokens, mode: 'record' } }, { store })).rejects.toMatchObject({ code });
    const limiter = await limiterWith({ tokens }, { store });
    await expect(limiter.reserve('tokens', 'a')).rejects.toMatchObject({ code });
    await expect(limiter.charge('tokens', 'a')).rejects.toMatchObject({ code });
    await expect(limiter.holds('tokens', 'a')).rejects.toMatchObject({ code });
    await expect(limiter.consume({ name: 'up', ...uploads }, 'a')).rejects.toMatchObject({ code });
  });

  it('refuses what is wrong, and changes nothing', async () => {
    const limiter = await limiterWith(policies);
    const hold = await limiter.reserve([
      { policy: 'tokens', key: 'a', cost: 5 },
      { policy: 'requests', key: 'a' },
    ]);
    const code = 'RL_COST_INVALID';
    for (const cost of [NaN, 0.5, -1, 2 ** 53, Infinity, '5' as never]) {
      await expect(hold.settle({ tokens: cost })).rejects.toMatchObject({ code });
      await expect(limiter.reserve('tokens', 'a', { cost })).rejects.toMatchObject({ code });
      await expect(limiter.charge('tokens', 'a', { cost })).rejects.toMatchObject({ code });
    }
    await expect(hold.settle(5)).rejects.toThrow('tokens and requests; say which one used 5, as in { tokens: 5 }');
    await expect(hold.settle({ token: 5 })).rejects.toThrow(
      'RL_UNKNOWN_POLICY: settle(): the hold is not of the policy "token"; did you mean tokens?',
    );
    await expect(hold.settle(undefined as never)).rejects.toThrow('settle() takes the units that were used');
    for (const ttl of ['2 minutes', '25h', 0, -5, NaN, 60] as never[]) {
      await expect(limiter.reserve('tokens', 'a', { ttl })).rejects.toThrow('RL_HOLD_INVALID: ttl of reserve()');
      await expect(hold.extend(ttl)).rejects.toThrow('RL_HOLD_INVALID: ttl of extend()');
    }
    const givesBack = 'yes' as never;
    await expect(limiter.reserve('tokens', 'a', { givesBack })).rejects.toThrow('RL_HOLD_INVALID: givesBack');
    await expect(limiter.reserve('uploads', 'a', { cost: 2 })).rejects.toMatchObject({ code });
    await expect(limiter.consume('uploads', 'a')).rejects.toThrow('use reserve()');
    await expect(limiter.charge('uploads', 'a')).rejects.toThrow('use reserve()');
    await expect(limiter.reserve('tokens', 'a', { costs: 5 } as never)).rejects.toThrow('did you mean cost?');
    await expect(limiter.reserve([{ policy: 'tokens', key: 'a' }], { cost: 5 } as never)).rejects.toThrow('no option');
    await expect(limiter.release('tokens', 'a', 'no such id')).rejects.toMatchObject({ code: 'RL_HOLD_INVALID' });
    expect(await limiter.release('tokens', 'a', 'unknown')).toBe(false);
    expect(await remaining(limiter, 'tokens')).toBe(995);
    expect(await hold.settle({ tokens: 4 })).toBe(true);
    expect(await remaining(limiter, 'tokens')).toBe(996);
  });

  it('with a definition: its options count as parts of it, and small bare numbers are refused', async () => {
    await expect(limiterWith({ up: { algorithm: 'concurrency', limit: 1, lease: 30 } })).rejects.toThrow(
      "lease: 30 means 30 milliseconds; write '30s'",
    );
    const limiter = await limiterWith(policies);
    await limiter.limits.set('uploads', { limit: 1 });
    expect((await limiter.reserve('uploads', 'a')).allowed).toBe(true);
    expect((await limiter.reserve('uploads', 'a')).allowed).toBe(false);
  });

  it('shares a quota with the strictest: what enforces is not recorded because another use records', async () => {
    const limiter = await limiterWith({});
    const quota = { name: 'shared', limit: 5, window: '1h' } as const;
    await limiter.charge(quota, 'a', { cost: 5 });
    const decisions = await limiter.consume([
      { policy: { ...quota, mode: 'record' }, key: 'a' },
      { policy: quota, key: 'a' },
    ]);
    expect(decisions.map(({ allowed }) => allowed)).toEqual([false, false]);
  });
});

describe('a Redis that is frozen between a reservation and its settlement', () => {
  it('hears of it later, and once; what is taken meanwhile is settled in this process', async () => {
    const server = await startRedis();
    const limiter = await limiterWith(policies, { redis: server.url, timeout: 60 });
    try {
      const taken = {
        tokens: await limiter.reserve('tokens', 'a', { cost: 800 }),
        slot: await limiter.reserve('uploads', 'a'),
      };
      await server.freeze();
      const code = 'RL_STORE_UNAVAILABLE';
      await expect(taken.tokens.settle(300)).rejects.toMatchObject({ code });
      await taken.slot[Symbol.asyncDispose]();
      const local = await limiter.reserve('tokens', 'b', { cost: 5 });
      expect(local.decision).toMatchObject({ allowed: true, by: 'local' });
      expect(await local.settle(4)).toBe(true);
      await server.thaw();
      const isFree = async () => (await remaining(limiter, 'uploads')) === 2;
      await until(
        'the slot was not freed',
        async () => (await limiter.peek('uploads', 'a')).by === 'store' && isFree(),
      );
      await until('the tokens were not settled', async () => (await limiter.holds('tokens', 'a')).length === 0);
      expect(await remaining(limiter, 'tokens')).toBe(700);
    } finally {
      await server.thaw();
      await server.stop();
    }
  });
});
