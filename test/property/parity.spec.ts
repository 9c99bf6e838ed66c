import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import type { Hit } from '../../libs/rate-limit/src/core/hit.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { costs, policies, steps, withLimit } from '../support/arbitraries.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

const RUNS = 300;

/** Redis keeps a fixed window as one integer from February 2026 until 2059. */
const BEGINNINGS = [1_700_000_000_000, 1_770_049_338_368, 1_800_000_000_000, 2_835_201_227_776];

/** A few policies, and requests on them: how far the clock moves, then which policies, keys and costs. */
const timelines = fc.record({
  begins: fc.constantFrom(...BEGINNINGS),
  rules: fc.array(policies, { minLength: 1, maxLength: 3 }),
  requests: fc.array(
    fc.record({
      step: steps,
      hits: fc.array(fc.record({ rule: fc.nat(2), key: fc.constantFrom('x', 'y'), cost: costs }), {
        minLength: 1,
        maxLength: 3,
      }),
      // Now and then a limit changes while its state lives.
      // And somebody is blocked by hand for a number of ms, or not any more (0), or all is reset (-1).
      hand: fc.option(fc.integer({ min: -1, max: 70 }), { freq: 8, nil: undefined }),
      newLimit: fc.option(fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(8_191)), { freq: 8, nil: undefined }),
    }),
    { minLength: 1, maxLength: 25 },
  ),
});

const hit = fc.record({ rule: fc.nat(3), key: fc.constantFrom('x', 'y', 'z'), cost: costs });

/** The same, many requests in each turn: they travel together, those with blocks among those without. */
const crowds = fc.record({
  rules: fc.array(policies, { minLength: 1, maxLength: 4 }),
  turns: fc.array(
    fc.record({
      step: steps,
      requests: fc.array(fc.array(hit, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 60, size: 'max' }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

/**
 * How far the clock moves, in milliseconds. Of a fixed window with more than 8191 units used Redis keeps the start modulo
 * 99 days, so it cannot follow a clock that moves by half of that.
 */
const spanOf = (step: number, { window }: Policy): number =>
  Math.max(-FORTNIGHT, Math.min(FORTNIGHT, Math.round(step * window)));
const FORTNIGHT = 14 * 86_400_000;

describe.each(serverKinds())('memory and $label', (kind) => {
  let server: Server;
  beforeAll(async () => void (server = await startRedis({ kind })));
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  it('decide alike for any policies and any timeline', async () => {
    const client = connectTo(server.url);
    await fc.assert(
      fc.asyncProperty(timelines, async ({ begins, rules, requests }) => {
        let time = begins;
        const now = () => time;
        const memory = new MemoryStore({ now });
        const redis = new RedisStore(client, { now, prefix: randomUUID(), timeout: 10_000 });
        const current = [...rules];
        for (const { step, hits, newLimit, hand } of requests) {
          time = Math.max(0, time + spanOf(step, current[0]!));
          if (newLimit !== undefined) {
            current[0] = withLimit(current[0]!, newLimit);
          }
          if (hand !== undefined) {
            const { rule, key } = hits[0]!;
            const policy = current[rule % current.length]!;
            for (const store of [redis, memory]) {
              if (hand < 0) await store.reset(policy, key);
              else if (policy.blocks) await store.block(policy, key, hand);
            }
          }
          const claims: Hit[] = hits.map(({ rule, key, cost }) => ({
            policy: current[rule % current.length]!,
            key,
            cost,
          }));
          expect(await redis.consume(claims)).toEqual(memory.consume(claims));
        }
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  it('decide alike for any requests that travel together', async () => {
    const client = connectTo(server.url);
    await fc.assert(
      fc.asyncProperty(crowds, async ({ rules, turns }) => {
        let time = 1_800_000_000_000;
        const memory = new MemoryStore({ now: () => time });
        const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
        for (const { step, requests } of turns) {
          time += spanOf(step, rules[0]!);
          const claims = requests.map((hits) =>
            hits.map(({ rule, key, cost }): Hit => ({ policy: rules[rule % rules.length]!, key, cost })),
          );
          const told = (store: MemoryStore | RedisStore) =>
            Promise.all(claims.map(async (hits) => store.consume(hits)));
          expect(await told(redis)).toEqual(await told(memory));
        }
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it('decide alike where one integer no longer holds a window', async () => {
    const client = connectTo(server.url);
    const costs = [8_000, 190, 1, 500, 1, 1, -300, 299, 8_191, 2, -8_191, 8_191, 20_000, -8_100, 7, 8_192];
    // The second begins in the last millisecond of which a double holds such an integer.
    for (const begins of [1_800_000_000_000, 2_835_201_227_725]) {
      for (const limit of [8_190, 8_191, 8_192, 20_000]) {
        const policy = definePolicy({ name: 'edge', limit, window: 1_000 });
        const lower = definePolicy({ name: 'edge', limit: 5, window: 1_000 });
        let time = begins;
        const memory = new MemoryStore({ now: () => time });
        const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
        for (const cost of [...costs, ...costs.toReversed()]) {
          time += 50;
          for (const hits of [[{ policy, key: 'k', cost }], [{ policy: lower, key: 'k', cost: 1 }]]) {
            expect(await redis.consume(hits)).toEqual(memory.consume(hits));
          }
        }
      }
    }
  });

  it('decide alike where a wide integer holds a window, and where it no longer does', async () => {
    const client = connectTo(server.url);
    const WIDE = 2 ** 20;
    const CYCLE = 2 ** 33;
    const costs = [8_191, 1, 1, 500_000, -500_000, -8_000, 8_000, 540_000, 7_999, 1, 1, -1, WIDE - 1, -WIDE, 20_000, 1];
    // Among them one that begins at the first millisecond of a cycle, which a wide integer cannot hold.
    for (const begins of [1_800_000_000_000, CYCLE * 210]) {
      for (const window of [1_000, CYCLE / 64, CYCLE / 64 + 1]) {
        for (const limit of [WIDE - 2, WIDE - 1, WIDE, 3_000_000]) {
          const policy = definePolicy({ name: 'wide', limit, window });
          const lower = definePolicy({ name: 'wide', limit: 5_000, window });
          let time = begins;
          const memory = new MemoryStore({ now: () => time });
          const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
          for (const [i, cost] of [...costs, ...costs.toReversed()].entries()) {
            // Now and then the clock is set back, once so far that the state is far ahead of it.
            time += i === 9 ? -window - 10 : i % 7 === 0 ? -2 : window / 20;
            time = Math.floor(time);
            for (const hits of [[{ policy, key: 'k', cost }], [{ policy: lower, key: 'k', cost: 1 }]]) {
              expect(await redis.consume(hits)).toEqual(memory.consume(hits));
            }
          }
        }
      }
    }
  });

  it('decide alike where a counter holds a calendar window, and where it no longer does', async () => {
    const client = connectTo(server.url);
    const UNITS = 2 ** 22;
    const costs = [8_191, 1, UNITS - 8_193, 1, 1, -1, -5_000, 4_999, 1, 2, UNITS - 1, -UNITS, 20_000, 1, UNITS, -3, 7];
    // The second is the first end that a counter can hold, the third the first one that it can no longer hold.
    const ends = [1_800_000_000_000, 1_752_466_816_000, 3_883_173_246_000];
    for (const end of ends) {
      for (const limit of [UNITS - 2, UNITS - 1, UNITS, 3 * UNITS]) {
        const window = { calendar: 'minute', anchor: new Date(end) } as const;
        const policy = definePolicy({ name: 'counter', limit, window });
        const lower = definePolicy({ name: 'counter', limit: 5_000, window: { ...window, timeZone: 'Asia/Kolkata' } });
        let time = end - 90_000;
        const memory = new MemoryStore({ now: () => time });
        const prefix = randomUUID();
        const redis = new RedisStore(client, { now: () => time, prefix, timeout: 10_000 });
        const layouts = new Set<string>();
        for (const [i, cost] of [...costs, ...costs.toReversed()].entries()) {
          // Now and then the clock is set back, once so far that the state is far ahead of it.
          time += i === 9 ? -130_000 : i % 7 === 3 ? -2 : 5_000;
          for (const hits of [[{ policy, key: 'k', cost }], [{ policy: lower, key: 'k', cost: 1 }]]) {
            expect(await redis.consume(hits)).toEqual(memory.consume(hits));
          }
          const size = await client.strlen(`${prefix}:{k}:counter:fwminute`);
          if (size > 0) layouts.add(size === 24 ? 'packed' : 'counter');
        }
        expect([limit, end, layouts.size]).toEqual([limit, end, limit < UNITS && end === ends[0] ? 1 : 2]);
      }
    }
  });

  it('decide alike of logs that are longer than what the script reads at once', async () => {
    const client = connectTo(server.url);
    const log = fc.record({
      limit: fc.integer({ min: 30, max: 400 }),
      // The last one is longer than what narrow entries hold.
      window: fc.constantFrom(300, 1_000, 2 ** 32 + 1_000),
      requests: fc.array(
        fc.record({
          step: fc.oneof(fc.constantFrom(0, 1, 2, 5), fc.integer({ min: -20, max: 40 }), fc.constantFrom(250, 999)),
          cost: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.integer({ min: -40, max: 60 })),
        }),
        { minLength: 100, maxLength: 400, size: 'max' },
      ),
    });
    await fc.assert(
      fc.asyncProperty(log, async ({ limit, window, requests }) => {
        const policy = definePolicy({ name: 'long', algorithm: 'sliding-log', limit, window });
        let time = 1_800_000_000_000;
        const memory = new MemoryStore({ now: () => time });
        const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
        for (const { step, cost } of requests) {
          time += window > 1_000 ? step * 1_000_000 : step;
          const hits = [{ policy, key: 'k', cost }];
          expect(await redis.consume(hits)).toEqual(memory.consume(hits));
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('decide alike of logs whose sums outgrow their entries', async () => {
    const client = connectTo(server.url);
    for (const limit of [2 ** 32 - 2, 2 ** 32 + 5, 2 ** 49]) {
      const policy = definePolicy({ name: 'sums', algorithm: 'sliding-log', limit, window: 1_000 });
      let time = 1_800_000_000_000;
      const memory = new MemoryStore({ now: () => time });
      const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
      const third = Math.floor(limit / 3);
      for (const cost of [
        third,
        third,
        third,
        1,
        5,
        third,
        -third,
        third,
        third,
        1,
        third,
        third,
        7,
        -2 * third,
        third,
      ]) {
        for (let repeat = 0; repeat < 3; repeat++, time += 90) {
          const hits = [{ policy, key: 'k', cost }];
          expect(await redis.consume(hits)).toEqual(memory.consume(hits));
        }
      }
    }
  });

  it('decide alike of a long log that gives nearly all back, which must not hold Redis up', async () => {
    const client = connectTo(server.url);
    const ENTRIES = 40_000;
    const policy = definePolicy({ name: 'long', algorithm: 'sliding-log', limit: ENTRIES, window: 100_000 });
    let time = 1_800_000_000_000;
    const memory = new MemoryStore({ now: () => time });
    const prefix = randomUUID();
    const redis = new RedisStore(client, { now: () => time, prefix, timeout: 1_000 });
    const both = async (cost: number) => {
      const hits = [{ policy, key: 'k', cost }];
      expect(await redis.consume(hits)).toEqual(memory.consume(hits));
    };
    await both(1);
    // What so many single charges leave, of which each would be a call.
    const key = `${prefix}:{k}:${policy.id}`;
    const first = (await client.getBuffer(key))!;
    const log = Buffer.concat([first, Buffer.alloc(8 * (ENTRIES - 1))]);
    for (let sum = 2; sum <= ENTRIES; sum++) {
      time++;
      memory.consume([{ policy, key: 'k', cost: 1 }]);
      log.writeUInt32LE(sum - 1, first.length + 8 * (sum - 2));
      log.writeUInt32LE(sum, first.length + 8 * (sum - 2) + 4);
    }
    await client.set(key, log, 'PX', 3_600_000);
    for (const cost of [0, 1, -(ENTRIES - 5), 1, -2, 1, ENTRIES]) await both(cost);
  });

  it.each([60_000, 'day'] as const)(
    'decide alike by a clock of fractions, and after values that read like a counter, in a window of %s',
    async (window) => {
      const client = connectTo(server.url);
      const policy = definePolicy({ name: 'p', limit: 10, window });
      let time = 1_795_281_476_777.5;
      const memory = new MemoryStore({ now: () => time });
      const prefix = randomUUID();
      const redis = new RedisStore(client, { now: () => time, prefix, timeout: 10_000 });
      const key = `${prefix}:{k}:p:fw${window}`;
      const both = async (cost: number) => {
        const hits = [{ policy, key: 'k', cost }];
        const decisions = await redis.consume(hits);
        expect(decisions).toEqual(memory.consume(hits));
        return decisions[0]!;
      };
      for (let i = 0; i < 5; i++, time += 0.7) await both(1);
      const counter = (await client.get(key))!;
      for (const text of [`${counter}.0`, ` ${counter}`, `0${counter}`, `0x${Number(counter).toString(16)}`]) {
        await client.set(key, text);
        await both(1);
        expect(await client.pttl(key)).toBeGreaterThan(0);
        await client.set(key, counter);
        memory.consume([{ policy, key: 'k', cost: -1 }]);
      }
      await client.set(key, '9007199254740992');
      expect((await redis.consume([{ policy, key: 'k', cost: 1 }]))[0]).toMatchObject({ allowed: true, remaining: 9 });
    },
  );

  it('decide alike of a quota far ahead of a clock that was set back when somebody is blocked by hand', async () => {
    const client = connectTo(server.url);
    for (const algorithm of [...algorithmNames, 'calendar'] as const) {
      const judged = algorithm === 'calendar' ? { window: 'minute' as const } : { algorithm, window: 30 };
      const policy = definePolicy({ name: 'ahead', limit: 3, blockFor: 0, ...judged });
      const step = algorithm === 'calendar' ? 10_000 : 10;
      let time = 1_800_000_000_000;
      const memory = new MemoryStore({ now: () => time });
      const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
      const both = async (cost: number) => {
        const hits = [{ policy, key: 'k', cost }];
        expect(await redis.consume(hits)).toEqual(memory.consume(hits));
      };
      await both(1);
      time -= policy.period.longest + 1;
      for (const store of [redis, memory]) await store.block(policy, 'k', 5);
      // A window after the block, and not one after what was spent.
      time += 3.3 * step;
      for (let i = 0; i < 8; i++, time += step) await both(i % 2);
    }
  });

  it('decide alike with the largest limits, however long a log is never empty', async () => {
    const client = connectTo(server.url);
    const limit = 999_999_999_999_999;
    const policy = definePolicy({ name: 'largest', algorithm: 'sliding-log', limit, window: 1_000 });
    let time = 1_700_000_000_000;
    const memory = new MemoryStore({ now: () => time });
    const redis = new RedisStore(client, { now: () => time, prefix: randomUUID(), timeout: 10_000 });
    for (let i = 0; i < 60; i++, time += 500) {
      const hits = [{ policy, key: 'k', cost: Math.floor(limit / 2) }];
      expect(await redis.consume(hits)).toEqual(memory.consume(hits));
    }
  });

  it('leave no key without a TTL', async () => {
    const client = connectTo(server.url);
    const keys = await client.keys('*');
    expect(keys.length).toBeGreaterThan(RUNS / 4);
    const lives = await Promise.all(keys.map((key) => client.pttl(key)));
    expect(Math.min(...lives)).toBeGreaterThan(0);
  });
});
