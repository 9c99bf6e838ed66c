import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { everyKey, onlyKey } from './stored-keys.js';

type Client = ReturnType<typeof connectTo>;
type Damage = (client: Client, key: string) => Promise<unknown>;

const LIMIT = 10;
const HOUR = 3_600_000;
const BEGUN = 1_800_000_000_000;

const doubles = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, i) => bytes.writeDoubleLE(number, 8 * i));
  return bytes;
};
const text =
  (value: string | Buffer): Damage =>
  (client, key) =>
    client.set(key, value);
const list =
  (...elements: (string | number)[]): Damage =>
  (client, key) =>
    client.rpush(key, ...elements);

/** What none of our algorithms keeps, whichever owns the key. */
const foreign: Record<string, Damage> = {
  'a hash': (client, key) => client.hset(key, { tokens: 3 }),
  'a set': (client, key) => client.sadd(key, 'a', 'b', 'c'),
  'a sorted set': (client, key) => client.zadd(key, 1, 'a', 2, 'b', 3, 'c'),
  'a stream': (client, key) => client.xadd(key, '*', 'a', 'b'),
  'an empty string': text(''),
  'a counter': text('17'),
  'a long string': text('x'.repeat(1_000)),
  'a list of words': list('to', 'be', 'or', 'not', 'to'),
  'a list of two': list(0, BEGUN),
};

/** Records of the right length, and numbers that no algorithm writes. */
const records = (...sound: number[]): Record<string, Damage> =>
  Object.fromEntries(
    [NaN, Infinity, -Infinity, -1, 0.5, 1e300, 2 ** 53].flatMap((bad) =>
      sound.map((_, place) => {
        const numbers = sound.map((number, i) => (i === place ? bad : number));
        return [`a record [${numbers.join(', ')}]`, text(doubles(...numbers))];
      }),
    ),
  );

/** Numbers as text that are no counter, though some look like one. */
const counters: Record<string, Damage> = Object.fromEntries(
  [
    '0',
    '-1',
    '1e15',
    '0x1000000000000',
    ' 400000000000000',
    '400000000000000.5',
    '9007199254740993',
    '9'.repeat(24),
  ].map((number) => [`the text ${number}`, text(number)]),
);

/** A log as a string: its head, then entries of 8 bytes, or of 13 where the base is 0. */
function logText(
  [dead, before, until, base]: readonly [number, number, number, number],
  ...entries: [number, number][]
): Damage {
  const bytes = entries.map(([at, sum]) => {
    const entry = Buffer.alloc(base === 0 ? 13 : 8);
    const timeSize = base === 0 ? 6 : 4;
    entry.writeUIntLE(at, 0, timeSize);
    // The 7th byte by itself, because Node writes no more than 6.
    entry.writeUIntLE(sum % 2 ** 48, timeSize, Math.min(6, entry.length - timeSize));
    if (base === 0) entry.writeUInt8(Math.floor(sum / 2 ** 48), 12);
    return entry;
  });
  return text(Buffer.concat([doubles(dead, before, until, base), ...bytes]));
}

const LATER = BEGUN + 2 * HOUR;

const logs: Record<string, Damage> = {
  'two doubles': text(doubles(BEGUN, 3)),
  'a list, as earlier versions wrote': list(0, BEGUN, 1, BEGUN, 2),
  'a head without entries': logText([0, 0, LATER, BEGUN]),
  'half an entry': text(Buffer.concat([doubles(0, 0, LATER, BEGUN), Buffer.alloc(5, 1)])),
  'nothing but zeros': text(Buffer.alloc(200)),
  'nothing but ones': text(Buffer.alloc(200, 255)),
  'a log whose entries are all gone': logText([2, 0, LATER, BEGUN], [0, 1], [1, 2]),
  'a log whose last sum is that of its head': logText([0, 2, LATER, BEGUN], [0, 1], [1, 2]),
  'a log whose last sum no double holds': logText([0, 2 ** 52, LATER, 0], [BEGUN, 2 ** 55 + 2 ** 54]),
  ...Object.fromEntries(
    [NaN, Infinity, -Infinity, -1, 0.5, 1e300].flatMap((bad) =>
      [0, 1, 3].map((place) => {
        const head = [0, 0, LATER, BEGUN].map((number, i) => (i === place ? bad : number));
        return [`a head [${head.join(', ')}]`, logText(head as [number, number, number, number], [0, 3])];
      }),
    ),
  ),
};

/** Logs whose ends are sound. Nobody reads the whole of a log at every request, so these are not found out at once. */
const insides: Record<string, Damage> = {
  'a sum that falls': logText([0, 0, LATER, BEGUN], [0, 5], [1, 2], [2, 3]),
  'a sum that stands': logText([0, 0, LATER, BEGUN], [0, 3], [1, 3], [2, 3]),
  'a sum that is huge': logText([0, 0, LATER, BEGUN], [0, 1], [1, 2 ** 32 - 1], [2, 3]),
  'a time that falls': logText([0, 0, LATER, BEGUN], [2, 1], [0, 2], [2, 3]),
  'a time from long ago before a sum that is huge': logText([0, 0, LATER, BEGUN - 2 * HOUR], [0, 9], [2 * HOUR, 3]),
};

/** The same for calendar windows. The second is a counter of a window that is over. */
const calendarCounters: Record<string, Damage> = Object.fromEntries(
  [
    '70368744177663',
    '200000000000000',
    '0x400000000000',
    ' 200000000000000',
    '400000000000000.5',
    '-400000000000000',
    'nan',
    'inf',
    '9007199254740993',
    '9'.repeat(24),
  ].map((number) => [`the text ${number}`, text(number)]),
);

const damages: Record<(typeof algorithmNames)[number] | 'calendar', Record<string, Damage>> = {
  calendar: {
    'a record of a span': text(doubles(1, BEGUN + HOUR, 3)),
    ...calendarCounters,
    ...records(0, BEGUN, BEGUN),
  },
  'fixed-window': { 'a list': list(0, BEGUN, 1), ...counters, ...records(0, BEGUN, BEGUN) },
  'sliding-window': { 'a list': list(0, BEGUN, 1), ...records(BEGUN, BEGUN, BEGUN) },
  'sliding-log': logs,
  'token-bucket': { 'a list': list(0, BEGUN, 1), ...records(BEGUN, BEGUN, BEGUN) },
  gcra: { 'a list': list(0, BEGUN, 1), ...records(BEGUN, BEGUN, BEGUN) },
};

/** What a full quota answers to a first request, and how much it holds after. */
const firstRequests = [
  { cost: 4, allowed: true, remaining: LIMIT - 4, retryAfter: 0 },
  { cost: 11, allowed: false, remaining: LIMIT, retryAfter: -1 },
  { cost: 0, allowed: true, remaining: LIMIT, retryAfter: 0 },
  { cost: -4, allowed: true, remaining: LIMIT, retryAfter: 0 },
];

describe.each(serverKinds())('on $label', (kind) => {
  let server: Server;
  let client: Client;
  let store: RedisStore;
  beforeAll(async () => {
    server = await startRedis({ kind });
    client = connectTo(server.url);
    store = new RedisStore(client, { timeout: 10_000, now: () => BEGUN + 1_000 });
  });
  beforeEach(() => client.flushall());
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  describe.each([...algorithmNames, 'calendar'] as const)(
    '%s: a full quota is found, and nothing immortal left, where there was',
    (algorithm) => {
      const burst = algorithm === 'gcra' ? { burst: LIMIT } : {};
      const judged = algorithm === 'calendar' ? { window: 'hour' as const } : { algorithm, window: HOUR, ...burst };
      const policy = definePolicy({ name: 'p', limit: LIMIT, ...judged });
      const spend = async (cost: number) => {
        const [decision] = await store.consume([{ policy, key: 'k', cost }]);
        return decision!;
      };
      let key: string;
      beforeEach(async () => {
        await spend(1);
        key = await onlyKey(client);
      });

      it.each(Object.entries({ ...foreign, ...damages[algorithm] }))('%s', async (_, damage) => {
        for (const { cost, ...answer } of firstRequests) {
          await client.del(key);
          await damage(client, key);
          expect([cost, await spend(cost)]).toMatchObject([cost, answer]);
          for (const { life } of await everyKey(client)) expect(life > 0 && life <= 2 * HOUR).toBe(true);
          expect((await spend(0)).remaining).toBe(answer.remaining);
          expect((await spend(answer.remaining)).allowed).toBe(true);
          expect((await spend(1)).allowed).toBe(false);
        }
      });
    },
  );

  describe('sliding-log: a log that is damaged inside is decided all the same, and a window later is a full quota', () => {
    const policy = definePolicy({ name: 'p', algorithm: 'sliding-log', limit: LIMIT, window: HOUR });
    let now: number;
    const stepping = () => new RedisStore(client, { timeout: 10_000, now: () => now });

    it.each(Object.entries(insides))('%s', async (_, damage) => {
      for (const cost of [1, 0, 8, 11, -1, -2, -3, -100]) {
        await client.flushall();
        now = BEGUN;
        await stepping().consume([{ policy, key: 'k', cost: 1 }]);
        const key = await onlyKey(client);
        await client.del(key);
        await damage(client, key);

        now = BEGUN + 1_000;
        const [decision] = await stepping().consume([{ policy, key: 'k', cost }]);
        expect(decision!.remaining >= 0 && decision!.remaining <= LIMIT).toBe(true);
        now += HOUR;
        const [later] = await stepping().consume([{ policy, key: 'k', cost: LIMIT }]);
        expect([cost, later!.allowed]).toEqual([cost, true]);
      }
    });
  });

  describe('concurrency: all slots are free, and nothing immortal is left, where there was', () => {
    const slots = definePolicy({ name: 's', algorithm: 'concurrency', limit: 2, lease: '30s' });
    const take = async (id: string) =>
      (await store.consume([{ policy: slots, key: 'k', cost: 1, hold: { id, ttl: 30_000 } }]))[0]!;
    const { 'a sorted set': _, ...others } = foreign;
    const ended: Damage = (client, key) => client.zadd(key, 1, 'a', BEGUN, 'b');

    it.each(Object.entries({ ...others, 'a record': text(doubles(0, BEGUN, 3)), 'slots that ended': ended }))(
      '%s',
      async (_, damage) => {
        await take('first');
        const key = await onlyKey(client);
        for (const ask of [() => take('first'), () => store.settle({ policy: slots, key: 'k', id: 'first' }, 0)]) {
          await client.del(key);
          await damage(client, key);
          const answer = await ask();
          if (answer === true) throw new Error('there was no such slot');
          expect(await store.holds(slots, 'k').catch(() => [])).toHaveLength(answer === false ? 0 : 1);
          expect([(await take('second')).allowed, (await take('third')).allowed]).toEqual([true, answer === false]);
          for (const { life } of await everyKey(client)) expect(life > 0 && life <= 2 * HOUR).toBe(true);
        }
      },
    );

    it('slots that never end do so after a lease, and a key that lost its TTL gets it back', async () => {
      await take('first');
      const key = await onlyKey(client);
      await client.zadd(key, '+inf', 'a', BEGUN + 5 * HOUR, 'b');
      await client.persist(key);
      expect(await take('second')).toMatchObject({ allowed: false, isGuess: true });
      const later = new RedisStore(client, { timeout: 10_000, now: () => BEGUN + 31_001 });
      const hit = { policy: slots, key: 'k', cost: 1, hold: { id: 'second', ttl: 1 } };
      expect(await later.consume([hit])).toMatchObject([{ allowed: true, remaining: 1 }]);
      for (const { life } of await everyKey(client)) expect(life > 0 && life <= 2 * HOUR).toBe(true);
    });
  });

  describe('holds: none is open, and the quota is judged as ever, where there was', () => {
    const policy = definePolicy({ name: 'p', limit: LIMIT, window: HOUR, blockFor: HOUR });
    const take = async (id: string, cost = 1) =>
      (await store.consume([{ policy, key: 'k', cost, hold: { id, ttl: HOUR } }]))[0]!;
    const { 'a hash': _, ...others } = foreign;
    const field =
      (value: string | Buffer): Damage =>
      (client, key) =>
        client.hset(key, 'a', value);
    const bad: [string, Damage][] = [NaN, Infinity, -Infinity, -2, 0.5, 1e300, 2 ** 53].flatMap((number) =>
      [0, 1, 2, 3].map((place): [string, Damage] => {
        const numbers = [BEGUN + HOUR, BEGUN + HOUR, 4, BEGUN + HOUR].map((sound, i) => (i === place ? number : sound));
        return [`a hash with the hold [${numbers.join(', ')}]`, field(doubles(...numbers))];
      }),
    );

    it.each<[string, Damage]>([
      ...Object.entries(others),
      ['a hash with a word', field('held')],
      ['a hash with nothing', field('')],
      ...bad,
    ])('%s', async (_, damage) => {
      const key = 'rl:{k}:p:fw3600000:holds';
      const asks: [used: number, ask: () => Promise<unknown>, answer: unknown][] = [
        [0, () => store.settle({ policy, key: 'k', id: 'a' }, 9), false],
        [0, () => store.renew({ policy, key: 'k', id: 'a' }, 9), false],
        [4, () => take('b', 4), { allowed: true, remaining: 6 }],
        // A denial looks at what is held: nothing is.
        [10, () => take('b'), { allowed: false, blockedFor: HOUR }],
      ];
      for (const [used, ask, answer] of asks) {
        await client.flushall();
        if (used === 10) await store.consume([{ policy, key: 'k', cost: 10 }]);
        await damage(client, key);
        const got = await ask();
        if (typeof answer === 'boolean') expect(got).toBe(answer);
        else expect(got).toMatchObject(answer as object);
        await store.unblock(policy, 'k');
        expect(await store.consume([{ policy, key: 'k', cost: 0 }])).toMatchObject([{ remaining: LIMIT - used }]);
        expect((await take('c', 0)).allowed).toBe(true);
        expect(await store.settle({ policy, key: 'k', id: 'c' }, 0)).toBe(true);
        for (const { key, life } of await everyKey(client)) expect([key, life > 0]).toEqual([key, true]);
      }
    });
  });
});
