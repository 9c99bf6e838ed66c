import type { Redis } from 'ioredis';
import { definePolicy, RateLimiter, RedisStore, type Hit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import {
  BurstyRateLimiter,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterUnion,
  RLWrapperTimeouts,
  type IRateLimiterStoreOptions,
  type RateLimiterLike,
} from 'rate-limiter-flexible';
import { boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';
import { stillWaiting } from './side-by-side.js';

// What the README and docs/migrating say of rate-limiter-flexible. A test that fails tells that it has become better.

let server: Server;
let client: Redis;
beforeAll(async () => void (server = await startRedis()));
beforeEach(async () => {
  client = connectTo(server.url);
  await client.flushall();
});
afterEach(async () => {
  await closeApps();
  closeClients();
});
afterAll(() => server?.stop());

const flexible = (options: Omit<IRateLimiterStoreOptions, 'storeClient'>, storeClient = client) =>
  new RateLimiterRedis({ storeClient, ...options });

const ours = async (options: RateLimitModuleOptions = {}) =>
  (await boot('express', { redis: server.url, ...options }, {})).nest.get(RateLimiter);

const admits = (answer: Promise<unknown>): Promise<boolean> =>
  answer.then(
    () => true,
    (denial: unknown) => {
      if (denial instanceof Error) throw denial;
      return false;
    },
  );

async function admitted(times: number, ask: () => Promise<boolean>): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) if (await ask()) sum++;
  return sum;
}

const minute = { name: 'minute', limit: 1, window: '1m' } as const;
const day = { name: 'day', limit: 10, window: '1d' } as const;

describe('a denial by one of several limits', () => {
  it('of the union has spent the others', async () => {
    const limits = [minute, day].map(({ name, limit }) => flexible({ keyPrefix: name, points: limit, duration: 60 }));
    const union = new RateLimiterUnion(...limits);
    expect(await admitted(5, () => admits(union.consume('ann')))).toBe(1);
    expect((await limits[1]!.get('ann'))?.remainingPoints).toBe(5);
  });

  it('of ours has spent none', async () => {
    const store = new RedisStore(client, { timeout: 5_000 });
    const hits: Hit[] = [minute, day].map((policy) => ({ policy: definePolicy(policy), key: 'ann', cost: 1 }));
    const ask = async () => (await store.consume(hits)).every(({ allowed }) => allowed);
    expect(await admitted(5, ask)).toBe(1);
    expect((await store.consume([{ ...hits[1]!, cost: 0 }]))[0]!.remaining).toBe(9);
  });
});

it('a union of three is three commands; three policies of ours are one', async () => {
  const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
  const names = ['a', 'b', 'c'];
  const union = new RateLimiterUnion(...names.map((keyPrefix) => flexible({ keyPrefix, points: 9, duration: 60 })));
  const store = new RedisStore(client, { timeout: 5_000 });
  const hits = names.map((name) => ({ policy: definePolicy({ name, limit: 9, window: '1m' }), key: 'ann', cost: 1 }));
  const scriptsFor = async (work: () => Promise<unknown>) => {
    await work();
    const before = await scripts();
    await work();
    return (await scripts()) - before;
  };
  expect(await scriptsFor(() => union.consume('ann'))).toBe(3);
  expect(await scriptsFor(() => store.consume(hits))).toBe(1);
});

describe('requests that are denied', () => {
  it('are counted by it all the same', async () => {
    const limiter = flexible({ points: 1, duration: 60 });
    expect(await admitted(200, () => admits(limiter.consume('ann')))).toBe(1);
    expect((await limiter.get('ann'))?.consumedPoints).toBe(200);
  });

  it('eat what is left when they are too large; with ours they eat nothing', async () => {
    const limiter = flexible({ points: 10, duration: 60 });
    expect(await admits(limiter.consume('ann', 4))).toBe(true);
    expect(await admits(limiter.consume('ann', 11))).toBe(false);
    expect(await admits(limiter.consume('ann', 1))).toBe(false);

    const limit = await ours({ policies: { tokens: { limit: 10, window: '1m' } } });
    const [four, eleven, one] = [4, 11, 1].map((cost) => async () => limit.consume('tokens', 'ann', { cost }));
    expect((await four!()).allowed).toBe(true);
    expect((await eleven!()).allowed).toBe(false);
    expect(await one!()).toMatchObject({ allowed: true, remaining: 5 });
  });

  it('reach Redis each time, unless inMemoryBlockOnConsumed is set', async () => {
    const counted = async (limiter: RateLimiterRedis) => {
      await admitted(5, () => admits(limiter.consume('ann')));
      return (await limiter.get('ann'))?.consumedPoints;
    };
    expect(await counted(flexible({ keyPrefix: 'plain', points: 1, duration: 60 }))).toBe(5);
    const blocking = { keyPrefix: 'blocking', points: 1, duration: 60, inMemoryBlockOnConsumed: 2 };
    expect(await counted(flexible(blocking))).toBe(2);
  });
});

describe('a window of half a second', () => {
  it('is a key without a TTL to it, and so a lock-out for good', async () => {
    await flexible({ keyPrefix: 'half', points: 1, duration: 0.5 }).consume('ann');
    expect(await client.pttl('half:ann')).toBe(-1);
  });

  it('is a key with a TTL to ours', async () => {
    await (await ours()).consume({ name: 'half', limit: 1, window: '500ms' }, 'ann');
    const keys = await client.keys('rl:*');
    expect(keys).toHaveLength(1);
    expect(await client.pttl(keys[0]!)).toBeGreaterThan(0);
  });

  it('as a block is a key without a TTL to it, and one with a TTL to ours', async () => {
    await flexible({ keyPrefix: 'block', points: 5, duration: 60 }).block('ann', 0.5);
    expect(await client.pttl('block:ann')).toBe(-1);
    const store = new RedisStore(client, { timeout: 10_000 });
    await store.block(definePolicy({ ...minute, blockFor: 0 }), 'ann', 500);
    const [key] = await client.keys('rl:*');
    expect(await client.pttl(key!)).toBeLessThanOrEqual(500);
    expect(await client.pttl(key!)).toBeGreaterThan(0);
  });
});

describe('while Redis is frozen', () => {
  afterEach(() => server.thaw());

  it('its callers wait, whatever its insurance limiter, and are charged when it thaws; ours has answered', async () => {
    const insuranceLimiter = new RateLimiterMemory({ points: 5, duration: 60 });
    const insured = flexible({ keyPrefix: 'insured', points: 5, duration: 60, insuranceLimiter });
    await insured.consume('ann');
    const limiter = await ours({ policies: { insured: { limit: 5, window: '1m' } } });
    await limiter.consume('insured', 'ann');

    await server.freeze();
    const answer = insured.consume('ann');
    expect(await limiter.consume('insured', 'ann')).toMatchObject({ allowed: true, by: 'local' });
    expect(await stillWaiting(answer)).toBe(true);

    await server.thaw();
    await answer;
    expect((await insured.get('ann'))?.consumedPoints).toBe(2);
    const back = async () => {
      const decision = await limiter.peek('insured', 'ann');
      return decision.by === 'store' && decision.remaining;
    };
    await until('Redis was not asked again', async () => (await back()) === 4);
  });

  it.each<[string, () => RateLimiterRedis, (limiter: RateLimiterRedis) => RateLimiterLike]>([
    [
      'its own wrapper',
      () => flexible({ points: 5, duration: 60, insuranceLimiter: fresh() }),
      (limiter) => new RLWrapperTimeouts({ limiter, timeoutMs: 100 }),
    ],
    [
      'a commandTimeout of its client',
      () =>
        flexible(
          { points: 5, duration: 60, insuranceLimiter: fresh() },
          connectTo(server.url, { commandTimeout: 100 }),
        ),
      (limiter) => limiter,
    ],
  ])('a timeout, %s, makes it answer; what it abandoned is charged when Redis thaws', async (_, make, withTimeout) => {
    const insured = make();
    await insured.consume('ann');
    const limiter = withTimeout(insured);

    await server.freeze();
    const answers = Promise.all([limiter.consume('ann'), limiter.consume('ann')]);
    expect(await stillWaiting(answers)).toBe(false);
    await answers;
    await server.thaw();
    await until('was not charged', async () => Number(await client.get('rlflx:ann')) === 3);
  });
});

const fresh = () => new RateLimiterMemory({ points: 5, duration: 60 });

describe('while Redis refuses connections', () => {
  let mortal: Server;
  beforeEach(async () => void (mortal = await startRedis()));
  afterEach(() => mortal?.stop());

  it('its insurance limiter starts with a full quota; local goes on from what was left', async () => {
    const failsAtOnce = { enableOfflineQueue: false, maxRetriesPerRequest: 0 };
    const insuranceLimiter = new RateLimiterMemory({ points: 10, duration: 3_600 });
    const theirs = connectTo(mortal.url, failsAtOnce);
    await until('not connected', async () => theirs.status === 'ready');
    const insured = flexible({ points: 10, duration: 3_600, insuranceLimiter }, theirs);
    const limiter = await ours({ redis: mortal.url, policies: { hourly: { limit: 10, window: '1h' } } });
    const askTheirs = () => admits(insured.consume('ann'));
    const askOurs = async () => (await limiter.consume('hourly', 'ann')).allowed;
    expect([await admitted(9, askTheirs), await admitted(9, askOurs)]).toEqual([9, 9]);

    await mortal.kill();
    await until('still connected', async () => theirs.status !== 'ready');
    expect([await admitted(20, askTheirs), await admitted(20, askOurs)]).toEqual([10, 1]);
  });
});

it('an option that it does not know is no error to it; it is one to ours', async () => {
  const options = { points: 1, duration: 60, blockDuratoin: 60 };
  expect(() => new RateLimiterMemory(options)).not.toThrow();
  expect(() => new RateLimiterMemory({ ...options, points: NaN })).toThrow(/points/);
  expect(() => definePolicy({ ...minute, ...{ blockDuratoin: 60 } })).toThrow('RL_OPTION_UNKNOWN');
});

describe('what docs/migrating/rate-limiter-flexible.md says of its numbers', () => {
  it('a reward goes below nothing spent; a give-back of ours never above full', async () => {
    const limiter = flexible({ points: 2, duration: 60 });
    await limiter.reward('ann', 3);
    expect(await admitted(10, () => admits(limiter.consume('ann')))).toBe(5);

    const ourLimiter = await ours({ policies: { few: { limit: 2, window: '1m' } } });
    await ourLimiter.consume('few', 'ann', { cost: -3 });
    expect(await admitted(10, async () => (await ourLimiter.consume('few', 'ann')).allowed)).toBe(2);
  });

  it('a penalty is counted over the limit; charge() does that too, up to twice the limit', async () => {
    const limiter = flexible({ points: 2, duration: 60 });
    await limiter.penalty('ann', 5);
    expect((await limiter.get('ann'))!.consumedPoints).toBe(5);

    const ourLimiter = await ours({ policies: { few: { limit: 2, window: '1m', algorithm: 'token-bucket' } } });
    await ourLimiter.charge('few', 'ann', { cost: 5 });
    // Two of the limit and two of debt, of which three must come back.
    const { retryAfter } = await ourLimiter.consume('few', 'ann');
    expect(retryAfter).toBeGreaterThan(85_000);
    expect(retryAfter).toBeLessThanOrEqual(90_000);
  });

  it('failures that are counted afterwards let all tries pass that are sent at once', async () => {
    const failures = flexible({ points: 5, duration: 60 });
    const tried = async () => {
      const spent = await failures.get('ann');
      if (spent && spent.consumedPoints >= 5) return false;
      await failures.consume('ann').catch(() => undefined);
      return true;
    };
    const passed = await Promise.all(Array.from({ length: 20 }, tried));
    expect(passed.filter(Boolean)).toHaveLength(20);
  });

  it('a bursty limiter is its rate and its burst, in windows of their own', async () => {
    const rate = flexible({ keyPrefix: 'rate', points: 2, duration: 60 });
    const burst = flexible({ keyPrefix: 'burst', points: 5, duration: 60 });
    const bursty = new BurstyRateLimiter(rate, burst);
    expect(await admitted(10, () => admits(bursty.consume('ann')))).toBe(7);
  });

  it('execEvenly delays what gcra denies with the wait', async () => {
    const even = new RateLimiterMemory({ points: 2, duration: 3, execEvenly: true });
    await even.consume('ann');
    const delayed = even.consume('ann');
    expect(await stillWaiting(delayed)).toBe(true);
    await delayed;

    const limiter = await ours({ policies: { even: { limit: 2, window: '1h', algorithm: 'gcra' } } });
    expect(await limiter.consume('even', 'ann')).toMatchObject({ allowed: true });
    const { allowed, retryAfter } = await limiter.consume('even', 'ann');
    expect(allowed).toBe(false);
    expect(retryAfter).toBeGreaterThan(1_700_000);
  });
});
