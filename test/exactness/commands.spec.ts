import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { consumeScript } from '../../libs/rate-limit/src/stores/redis/wire/consume.script.js';
import { FRAME, LATE, OPCODE } from '../../libs/rate-limit/src/stores/redis/wire/frame.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { recordingScripts, type ScriptCall } from '../support/script-calls.js';

const TIME = 1_800_000_000_000;
const MINUTE = 60_000;
const daily = definePolicy({ name: 'daily', limit: 10, window: '1d' });
const hourly = definePolicy({ name: 'hourly', limit: 5, window: '1h', algorithm: 'token-bucket' });
const login = definePolicy({ name: 'login', limit: 2, window: '1h', blockFor: '5m' });

/** The arguments of a policy, as the script takes them. */
const WORDS = ['fixed-window', '10', '86400000', '10', '86400000'];

describe.each(serverKinds())('commands on $label', (kind) => {
  let server: Server;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis({ kind });
    client = connectTo(server.url);
  });
  beforeEach(() => client.flushall());
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  /** A store through which every run of the script is seen, whose server's clock is known. */
  async function watched({
    timeout = 10_000,
    change,
  }: { timeout?: number; change?: Parameters<typeof recordingScripts>[2] } = {}): Promise<{
    store: RedisStore;
    calls: ScriptCall[];
  }> {
    const calls: ScriptCall[] = [];
    const store = new RedisStore(recordingScripts(client, calls, change), { timeout });
    await store.consume([{ policy: daily, key: 'first', cost: 0 }]);
    calls.length = 0;
    return { store, calls };
  }

  const numbersOf = (reply: Buffer): number[] =>
    Array.from({ length: reply.length / 8 }, (_, i) => reply.readDoubleLE(8 * i));

  /** Runs the script as it is, with these arguments. */
  const run = async (keys: readonly string[], args: readonly (string | number)[]): Promise<number[]> =>
    numbersOf((await client.callBuffer('EVAL', consumeScript, keys.length, ...keys, ...args)) as Buffer);

  it('are as they were when they were made, whatever a caller does with its hits meanwhile', async () => {
    const { store, calls } = await watched();
    const used = async (key: string) => 10 - (await store.consume([{ policy: daily, key, cost: 0 }]))[0]!.remaining;
    const hit = { policy: daily, key: 'reused', cost: 0 };
    const hits = [
      { policy: daily, key: 'a', cost: 1 },
      { policy: daily, key: 'b', cost: 1 },
    ];
    const answers = [1, 2, 3].map((cost) => {
      hit.cost = cost;
      return store.consume([hit]);
    });
    const several = store.consume(hits);
    hits.length = 0;
    const other = store.consume([{ policy: daily, key: 'other', cost: 4 }]);
    expect((await Promise.all(answers)).map(([decision]) => decision!.remaining)).toEqual([9, 7, 4]);
    expect((await several).map(({ remaining }) => remaining)).toEqual([9, 9]);
    expect(await other).toMatchObject([{ allowed: true, remaining: 6 }]);
    expect(calls).toHaveLength(1);
    expect([await used('reused'), await used('a'), await used('b'), await used('other')]).toEqual([6, 1, 1, 4]);
  });

  it('of every kind travel in one batch and are done in order of arrival', async () => {
    const { store, calls } = await watched();
    const spend = async (policy = login, cost = 1) => (await store.consume([{ policy, key: 'k', cost }]))[0]!;
    const [first, , reset, second, , blocked, , unblocked, several] = await Promise.all([
      spend(),
      spend(),
      store.reset(login, 'k').then(() => spend(daily, 0)),
      spend(),
      store.block(login, 'k', MINUTE),
      spend(),
      store.unblock(login, 'k'),
      spend(),
      store.consume([daily, hourly, login].map((policy) => ({ policy, key: 'k', cost: 1 }))),
    ]);
    expect(calls.length).toBeGreaterThan(0);
    expect(calls[0]!.keys).toHaveLength(2 + 2 + 4 + 2 + 2 + 2 + 1 + 2 + 4);
    expect(first).toMatchObject({ allowed: true, remaining: 1 });
    expect(reset).toMatchObject({ remaining: 10 });
    expect(second).toMatchObject({ allowed: true, remaining: 1 });
    expect(blocked).toMatchObject({ allowed: false, blockedFor: MINUTE });
    expect(unblocked).toMatchObject({ allowed: true, remaining: 0 });
    expect(several.map(({ allowed, blockedFor }) => [allowed, blockedFor])).toEqual([
      [true, undefined],
      [true, undefined],
      [false, 5 * MINUTE],
    ]);
    expect(await client.exists('rl:{k}:daily:fw86400000')).toBe(0);
  });

  it('of holds travel in the same batch, too, and are done in order of arrival', async () => {
    const { store, calls } = await watched();
    const slots = definePolicy({ name: 'slots', algorithm: 'concurrency', limit: 1, lease: '30s' });
    const spend = async (policy = hourly, cost = 1) =>
      (await store.consume([{ policy, key: 'k', cost }]))[0]!.remaining;
    const take = async (policy: Policy, id: string, cost = 1) =>
      (await store.consume([{ policy, key: 'k', cost, hold: { id, ttl: MINUTE / 2 } }]))[0]!;
    const settle = (policy: Policy, id: string, cost: number) => store.settle({ policy, key: 'k', id }, cost);
    const [taken, left, renewed, slot, none, settled, again, after, freed, next, wrong, blocked] = await Promise.all([
      take(hourly, 'a', 4),
      spend(),
      store.renew({ policy: hourly, key: 'k', id: 'a' }, 5_000),
      take(slots, 'a'),
      take(slots, 'b'),
      settle(hourly, 'a', 1),
      settle(hourly, 'a', 0),
      spend(hourly, 0),
      settle(slots, 'a', 0),
      take(slots, 'b'),
      take(login, 'a', 2).then(() => settle(login, 'a', 2)),
      spend(daily),
    ]);
    expect(calls[0]!.keys.length).toBeGreaterThan(2 * 10);
    expect([taken.remaining, left, renewed]).toEqual([1, 0, true]);
    expect([slot.allowed, none.allowed, none.isGuess]).toEqual([true, false, true]);
    expect([settled, again, after]).toEqual([true, false, 3]);
    expect([freed, next.allowed, wrong, blocked]).toEqual([true, true, true, 9]);
    expect((await store.consume([{ policy: login, key: 'k', cost: 1 }]))[0]!.blockedFor).toBeGreaterThan(4 * MINUTE);
  });

  it('that are alike share a run, whatever their keys are', async () => {
    const { store, calls } = await watched();
    await Promise.all([
      store.reset(daily, 'a'),
      store.reset(daily, 'b'),
      store.block(login, 'a', MINUTE),
      store.block(login, 'b', MINUTE),
      store.unblock(login, 'c'),
      store.reset(login, 'c'),
    ]);
    const { args, reply } = calls[0]!;
    expect(args.slice(2)).toEqual(
      [
        ...['fixed-window', '2', '3600000', '2', '3600000'],
        ...[OPCODE.forget, 2, 2],
        ...[OPCODE.impose, 2, 1, MINUTE, '0 0 0 300000'],
        ...[OPCODE.forget, 1, 1],
        ...[OPCODE.forget, 1, 4],
      ].map(String),
    );
    expect(numbersOf(reply).slice(1)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('an opcode that the script does not know is an error that names it', async () => {
    await expect(run(['rl:{k}:x'], ['', '', 99, 1])).rejects.toThrow(/unknown opcode 99/);
    expect(await client.keys('*')).toEqual([]);
  });

  it('an algorithm that the script does not know is an error that names it, and nothing is charged', async () => {
    await expect(run(['rl:{k}:x'], ['', '', 'round-robin', 1, 1, 1, 1])).rejects.toThrow(
      /unknown algorithm "round-robin"/,
    );
    const two = [...WORDS, 'round-robin', 1, 1, 1, 1, OPCODE.hit, 1, 1, 1];
    await expect(run(['rl:{k}:x'], ['', '', ...two])).rejects.toThrow(/unknown algorithm "round-robin"/);
    expect(await client.keys('*')).toEqual([]);
  });

  describe('a run that comes too late', () => {
    /** Less than any clock of a server, and more. */
    const [PAST, FUTURE] = [1_000, 4_000_000_000_000];
    const state = 'rl:{k}:login:fw3600000';
    const block = `${state}:block`;
    const holds = `${state}:holds`;
    const holding = Array.from({ length: FRAME.holding.LENGTH }, () => '');
    const LOGIN = ['fixed-window', '2', '3600000', '2', '3600000'];
    const rule = '0 0 0 300000';

    it.each<[string, string[], (string | number)[], number]>([
      ['a hit', [state], [OPCODE.hit, 1, 1, 1], 3],
      ['a request of several hits', [state, 'rl:{k}:other'], [OPCODE.judge, 1, 2, 1, 1, 1, 1], 6],
      ['a request that may be blocked', [state, block], [OPCODE.judgeBlocking, 1, 1, 1, 1, rule], 4],
      [
        'a request that may be blocked, beside holds',
        [state, block, holds],
        [OPCODE.judgeWhole, 1, 1, 1, 1, rule, ...['-', ...holding.slice(1)], '-'],
        5,
      ],
      ['a hit that is held', [state, holds], [OPCODE.hold, 1, 1, 1, ...holding, 'id'], FRAME.whole.LENGTH],
      ['a settlement', [state, holds], [OPCODE.settle, 1, 1, 0, '', 'id 1'], 1],
      ['a renewal', [state, holds], [OPCODE.renew, 1, 1, 1, 1, 1, 'id'], 1],
      ['a block by hand', [state, block], [OPCODE.impose, 1, 1, MINUTE, rule], 1],
      ['a reset', [state, block], [OPCODE.forget, 1, 2], 1],
    ])('does nothing, says so, and leaves the others alone: %s', async (_, keys, words, numbers) => {
      await client.set(state, 'as it was');
      await client.set(block, 'as it was');
      const others = ['rl:{k}:before', 'rl:{k}:after'];
      const [clock, ...reply] = await run(
        [others[0]!, ...keys, others[1]!],
        [
          ...[FUTURE, '', ...LOGIN, OPCODE.hit, 1, 1, 1],
          ...[OPCODE.deadline, FUTURE - PAST, ...words],
          ...[OPCODE.deadline, 0, OPCODE.hit, 1, 1, 1],
        ],
      );
      // Negative: not every command was done.
      expect(clock).toBeLessThan(-PAST);
      const charged = [1, 60 * MINUTE, 0];
      expect(reply).toEqual([...charged, ...Array.from({ length: numbers }, () => LATE), ...charged]);
      expect([await client.get(state), await client.get(block)]).toEqual(['as it was', 'as it was']);
      expect(await client.exists(...others)).toBe(2);
    });

    it('is like one that expected another calendar window', async () => {
      const long = 'rl:{k}:day:fwday';
      const others = ['rl:{k}:before', 'rl:{k}:after'];
      const [clock, ...reply] = await run(
        [others[0]!, long, others[1]!],
        [
          ...[FUTURE, '', ...LOGIN, 'calendar-window', '2', '172800000', '0 86400 172800', '0'],
          ...[OPCODE.hit, 1, 1, 1, OPCODE.hit, 1, 2, 1, OPCODE.hit, 1, 1, 1],
        ],
      );
      expect(clock).toBeLessThan(-PAST);
      expect(reply).toEqual([1, 60 * MINUTE, 0, LATE, LATE, LATE, 1, 60 * MINUTE, 0]);
      expect(await client.exists(long, ...others)).toBe(2);
    });

    /** A request that waits for its turn, and one that comes when it has waited for a while: they travel together. */
    async function together(
      change: (args: string[]) => string[] | Promise<string[]>,
      { timeout, apart }: { timeout: number; apart: number },
    ) {
      let open!: () => void;
      const gate = new Promise<void>((resolve) => (open = resolve));
      let held = 0;
      const { store, calls } = await watched({
        timeout,
        // Two batches are under way; what is sent while they are travels with the next one.
        change: async (keyCount, sent) => {
          if (!sent[0]!.includes('{k}')) return sent;
          if (++held <= 2) await gate;
          else if (held === 3) return [...sent.slice(0, keyCount), ...(await change(sent.slice(keyCount)))];
          return sent;
        },
      });
      const spend = async (policy = daily) => (await store.consume([{ policy, key: 'k', cost: 1 }]))[0]!;
      const under = [spend(hourly)];
      await sleep(1);
      under.push(spend(hourly));
      await sleep(1);
      const impatient = spend();
      impatient.catch(() => {});
      await sleep(apart);
      const patient = spend();
      return { open, under, impatient, patient, calls };
    }

    it('is tried once more, alone, while its caller waits', async () => {
      // The deadlines in these arguments make the first of the two commands too late.
      const tooLate = (args: string[]) => {
        const at = args.indexOf(String(OPCODE.deadline), 7);
        expect(at).toBe(7);
        return args.with(at + 1, String(FUTURE));
      };
      const { open, under, impatient, patient, calls } = await together(tooLate, { timeout: 10_000, apart: 60 });
      open();
      expect((await patient).remaining).toBe(9);
      expect((await impatient).remaining).toBe(8);
      await Promise.all(under);
      const [both, again] = calls.slice(2);
      expect([both!.keys.length, again!.keys.length, calls.length]).toEqual([2, 1, 4]);
      expect(again!.args.slice(1)).toEqual(['10', '86400000']);
    });

    it('does not take along a request that has more time', async () => {
      let arrived!: () => void;
      const late = new Promise<void>((resolve) => (arrived = resolve));
      const slowly = async (args: string[]) => {
        await late;
        return args;
      };
      const { open, under, impatient, patient, calls } = await together(slowly, { timeout: 1_000, apart: 500 });
      open();
      await Promise.all(under);
      // The batch is on its way until the first of the two has no time left.
      await expect(impatient).rejects.toThrow(StoreUnavailableError);
      await sleep(50);
      arrived();
      expect(await patient).toMatchObject({ allowed: true, remaining: 9 });
      expect(calls.slice(2).map(({ keys }) => keys.length)).toEqual([2]);
      expect(numbersOf(calls[2]!.reply).slice(1, 4)).toEqual([LATE, LATE, LATE]);
    });
  });

  it('requests that were made within a few milliseconds share their deadline, and the plain form', async () => {
    const { store, calls } = await watched();
    const spend = (key: string) => store.consume([{ policy: daily, key, cost: 1 }]);
    let apart: number;
    do {
      calls.length = 0;
      const began = performance.now();
      const first = spend('a');
      while (performance.now() - began < 5);
      const second = spend('b');
      apart = performance.now() - began;
      await Promise.all([first, second]);
      // Longer when the machine is busy with something else: then again.
    } while (apart > 20);
    expect(calls.map(({ keys, args }) => [keys.length, args.length])).toEqual([[2, 7]]);
  });

  it('a reset is sent also while nobody else may ask, and its answer ends that', async () => {
    let isAway = false;
    const { store, calls } = await watched({
      change(_, sent) {
        if (isAway) throw new Error('Connection is closed.');
        return sent;
      },
    });
    const spend = async () => (await store.consume([{ policy: daily, key: 'k', cost: 1 }]))[0]!;
    await spend();
    isAway = true;
    for (let i = 0; i < 5; i++) await expect(spend()).rejects.toThrow(StoreUnavailableError);
    await expect(store.reset(daily, 'k')).rejects.toThrow(StoreUnavailableError);
    isAway = false;
    await expect(spend()).rejects.toThrow(StoreUnavailableError);
    await store.reset(daily, 'k');
    expect(calls).toHaveLength(2);
    expect(await spend()).toMatchObject({ remaining: 9 });
  });

  it('a reset, a block and its end that reach a frozen Redis late do nothing', async () => {
    const store = new RedisStore(client, { timeout: 300 });
    const spend = async (cost: number) => (await store.consume([{ policy: login, key: 'k', cost }]))[0]!;
    await spend(1);
    await store.block(login, 'blocked', 60 * MINUTE);
    const keys = [...(await client.keys('*'))].sort();
    await server.freeze();
    const asked = [
      store.reset(login, 'k'),
      store.block(login, 'k', MINUTE),
      store.unblock(login, 'blocked'),
      store.reset(login, 'blocked'),
    ];
    try {
      const outcomes = await Promise.allSettled(asked);
      expect(outcomes.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
      // Longer than the server's clock is known to be off.
      await sleep(50);
    } finally {
      await server.thaw();
    }
    // The connection answers in order: what came before this has run.
    await client.ping();
    expect([...(await client.keys('*'))].sort()).toEqual(keys);
  });

  it('the time to judge by and the policies are the same for all of a batch', async () => {
    const calls: ScriptCall[] = [];
    const store = new RedisStore(recordingScripts(client, calls), { now: () => TIME, timeout: 10_000 });
    await Promise.all([
      ...[1, 2].map((cost) => store.consume([{ policy: daily, key: 'k', cost }])),
      ...[hourly, daily].map((policy) => store.consume([{ policy, key: 'k', cost: 1 }])),
    ]);
    expect(calls.at(-1)!.args.slice(1)).toEqual(
      [
        ...[TIME, 'fixed-window', 10, 86_400_000, 10, 86_400_000, 'token-bucket', 5, 3_600_000, 5, 3_600_000],
        ...[OPCODE.hit, 1, 1, 1, OPCODE.hit, 1, 1, 2, OPCODE.hit, 1, 2, 1, OPCODE.hit, 1, 1, 1],
      ].map(String),
    );
  });
});
