import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { fixedWindow } from '../../libs/rate-limit/src/core/algorithms/fixed-window.js';
import type { Decision } from '../../libs/rate-limit/src/core/decision.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import type { WindowDefinition } from '../../libs/rate-limit/src/core/window-of.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { FRAME, LATE, OPCODE } from '../../libs/rate-limit/src/stores/redis/wire/frame.js';
import { connectTo } from '../support/clients.js';
import { ownServer } from '../support/redis/own-server.js';

/*
 * The application sends the calendar windows that it expects, by its estimate of the server's clock. If the estimate is
 * wrong, the script must charge nothing, and the application asks again. Here the estimate is made wrong.
 */

type Client = ReturnType<typeof connectTo>;

const DAY = 86_400_000;
/** More than two years, so that it is another window of any unit. */
const WRONG = 1_000 * DAY;

const own = ownServer();

/** A store that can be misled about the server's clock. */
class Misled {
  readonly store: RedisStore;
  /** Added to the clock of each reply. */
  lie = 0;
  /** Calls of the script, and how many of them had commands that did nothing. */
  calls = 0;
  late = 0;
  replies: Buffer[] = [];
  /** Changes what is sent behind the keys. */
  change: (args: string[]) => string[] = (same) => same;

  constructor(readonly prefix = randomUUID()) {
    this.store = new RedisStore(this.seen(own.client), { timeout: 10_000, prefix });
  }

  /** From here on the store's estimate is wrong, until the next reply corrects it. */
  async mislead(by: number): Promise<void> {
    const look = () => this.store.consume([{ policy: primer, key: 'primer', cost: 0 }]);
    // The first one corrects the estimate, the answer to the second one spoils it.
    await look();
    this.lie = by;
    await look();
    this.lie = 0;
    [this.calls, this.late, this.replies] = [0, 0, []];
  }

  private seen(target: Client): Client {
    const run =
      (own: (...args: unknown[]) => Promise<Buffer>) =>
      async (script: string, keyCount: number, ...sent: string[]) => {
        const args = this.change(sent.slice(keyCount));
        const reply = await own(script, keyCount, ...sent.slice(0, keyCount), ...args);
        const clock = reply.readDoubleLE(0);
        reply.writeDoubleLE(clock + Math.sign(clock) * this.lie, 0);
        this.calls++;
        this.replies.push(reply);
        if (clock < 0 || (reply.length === 8 && args.length > 2)) this.late++;
        return reply;
      };
    return new Proxy(target, {
      get: (from, name) => {
        const value: unknown = Reflect.get(from, name);
        if (typeof value !== 'function') return value;
        const bound = value.bind(from);
        return name === 'evalshaBuffer' || name === 'evalBuffer' ? run(bound) : bound;
      },
    });
  }
}

const primer = definePolicy({ name: 'primer', limit: 1, window: '1d' });

/** Windows that are in their middle now, so that the tests meet no boundary. */
const midway = (calendar: 'day' | 'week' | 'month' | 'year', timeZone = 'UTC'): WindowDefinition => {
  const half = { day: 0.5, week: 3.5, month: 15, year: 180 }[calendar] * DAY;
  return { calendar, timeZone, anchor: new Date(Date.now() - half) };
};

const policyOf = (definition: Partial<PolicyDefinition> = {}): Policy =>
  definePolicy({ name: 'daily', limit: 10, window: midway('day'), ...definition });

const admitted = (answers: readonly (readonly Decision[])[]): number =>
  answers.filter((decisions) => decisions.every(({ allowed }) => allowed)).length;

describe('an estimate of the server’s clock that is wrong by years', () => {
  let misled: Misled;
  let ask: (policy: Policy, cost?: number, key?: string) => Promise<Decision>;
  let left: (policy: Policy, key?: string) => Promise<number>;
  beforeEach(() => {
    misled = new Misled();
    ask = async (policy, cost = 1, key = 'k') => (await misled.store.consume([{ policy, key, cost }]))[0]!;
    left = async (policy, key) => (await ask(policy, 0, key)).remaining;
  });

  it.each([WRONG, -WRONG])('by %d ms: a lone request is charged once, at the second call', async (wrong) => {
    for (const [i, calendar] of (['day', 'week', 'month', 'year'] as const).entries()) {
      const policy = policyOf({ name: calendar, window: midway(calendar) });
      await misled.mislead(wrong);
      expect(await ask(policy, 1 + (i % 2))).toMatchObject({ allowed: true, remaining: 9 - (i % 2) });
      expect([misled.calls, misled.late]).toEqual([2, 1]);
      // The window is open now, and its bounds are not needed.
      await misled.mislead(WRONG);
      await ask(policy);
      expect([misled.calls, misled.late]).toEqual([1, 0]);
    }
  });

  it('a look and a give-back need no window', async () => {
    await misled.mislead(WRONG);
    expect(await ask(policyOf(), 0)).toMatchObject({ remaining: 10 });
    await misled.mislead(WRONG);
    expect(await ask(policyOf(), -3)).toMatchObject({ remaining: 10 });
    expect(misled.late).toBe(0);
    await ask(policyOf(), 5);
    await misled.mislead(WRONG);
    expect(await ask(policyOf(), -3)).toMatchObject({ remaining: 8 });
    expect(misled.late).toBe(0);
  });

  describe('a state from far ahead', () => {
    const anchor = new Date(Date.now() - DAY / 2);
    const policy = policyOf({ window: { calendar: 'day', anchor } });
    const blocking = policyOf({ window: { calendar: 'day', anchor }, blockFor: 0 });
    const state = { end: Math.ceil(Date.now() / 1_000) * 1_000 + 5 * DAY, used: 6 };
    let key: string;
    beforeEach(async () => {
      key = `${misled.prefix}:{k}:${policy.id}`;
      const record = Buffer.alloc(24);
      [0, state.end, state.used].forEach((number, i) => record.writeDoubleLE(number, 8 * i));
      await own.client.set(key, record, 'PX', 60_000);
      await misled.mislead(WRONG);
    });

    it.each([1, 4, 0, -1, 5, 11])('is brought back, once, by a request of %d units', async (cost) => {
      const { resetAfter, ...decision } = await ask(policy, cost);
      const expected = fixedWindow.judge(policy, state, cost, Date.now());
      expect([misled.calls, misled.late]).toEqual([2, 1]);
      expect([decision.allowed, decision.remaining]).toEqual([expected.allowed, expected.remaining]);
      expect(Math.abs(resetAfter - expected.resetAfter)).toBeLessThan(1_000);
      await misled.mislead(WRONG);
      expect((await ask(policy, 0)).remaining).toBe(expected.remaining);
      expect(misled.late).toBe(0);
    });

    it('is brought back by a block by hand', async () => {
      await misled.store.block(blocking, 'k', 60_000);
      expect([misled.calls, misled.late]).toEqual([2, 1]);
      expect((await own.client.pttl(key)) / DAY).toBeCloseTo(0.5, 2);
      expect((await ask(blocking)).blockedFor).toBeGreaterThan(59_000);
    });
  });

  it('of requests of one policy that travel together each is charged once', async () => {
    const policy = policyOf();
    await misled.mislead(WRONG);
    const asked = Array.from({ length: 150 }, (_, i) => misled.store.consume([{ policy, key: `${i % 3}`, cost: 1 }]));
    expect(admitted(await Promise.all(asked))).toBe(30);
    expect(misled.late).toBeGreaterThan(0);
  });

  it('of requests of many policies that travel together each is charged once, and those that were not late are not again', async () => {
    const policies = ['UTC', 'Europe/Berlin', 'Asia/Tokyo'].map((zone, i) =>
      policyOf({ name: `p${i}`, window: midway('month', zone) }),
    );
    const span = policyOf({ name: 'span', limit: 100, window: '1d' });
    const open = policyOf({ name: 'open', limit: 100 });
    await ask(open);
    await misled.mislead(WRONG);
    const asked = Array.from({ length: 20 }, () => [...policies, span, open]).flat();
    const answers = await Promise.all(asked.map((policy) => misled.store.consume([{ policy, key: 'k', cost: 1 }])));
    expect(admitted(answers)).toBe(3 * 10 + 20 + 20);
    expect(misled.late).toBeGreaterThan(0);
    expect(await left(span)).toBe(80);
    expect(await left(open)).toBe(79);
    for (const policy of policies) expect(await left(policy)).toBe(0);
  });

  it('some commands too late, others with another window, others well: each is charged once', async () => {
    const span = policyOf({ name: 'span', window: '1d' });
    const closed = policyOf();
    const open = policyOf({ name: 'open' });
    await ask(open);
    await misled.mislead(WRONG);
    misled.change = (args) => {
      misled.change = (same) => same;
      // Three runs of one hit in place of what is behind the policies; the first has a deadline long ago.
      const hit = (policy: number) => [OPCODE.hit, 1, policy, 1];
      const runs = [OPCODE.deadline, 2 * WRONG, ...hit(1), OPCODE.deadline, 0, ...hit(2), ...hit(3)];
      return [...args.slice(0, FRAME.head.LENGTH + 3 * FRAME.policy.LENGTH), ...runs.map(String)];
    };
    const answers = await Promise.all(
      [span, closed, open].map((policy) => misled.store.consume([{ policy, key: 'k', cost: 1 }])),
    );
    expect(answers.flat().map(({ remaining }) => remaining)).toEqual([9, 9, 8]);
    expect([misled.calls, misled.late]).toEqual([2, 1]);
    const first = misled.replies[0]!;
    expect([1, 4, 7].map((place) => first.readDoubleLE(8 * place))).toEqual([LATE, LATE, 8]);
    expect([await left(span), await left(closed), await left(open)]).toEqual([9, 9, 8]);
  });

  it('block(), reset() and unblock() beside such a request are done once', async () => {
    const blocking = policyOf({ name: 'blocking', blockFor: '1h' });
    await ask(policyOf(), 5, 'gone');
    await misled.mislead(WRONG);
    const [[decision]] = await Promise.all([
      misled.store.consume([{ policy: policyOf(), key: 'k', cost: 1 }]),
      misled.store.block(blocking, 'k', 60_000),
      misled.store.reset(policyOf(), 'gone'),
      misled.store.unblock(blocking, 'other'),
    ]);
    expect(misled.late).toBe(1);
    expect(decision).toMatchObject({ allowed: true, remaining: 9 });
    expect((await ask(blocking)).blockedFor).toBeLessThanOrEqual(60_000);
    expect(await left(policyOf(), 'gone')).toBe(10);
  });

  it('where it is never corrected, nothing is charged, no block begins, and the request fails', async () => {
    const span = policyOf({ name: 'span', window: '1d' });
    const login = policyOf({ name: 'login', window: '1d', limit: 1, blockFor: '1h' });
    await ask(login);
    await misled.mislead(WRONG);
    misled.lie = WRONG;
    const hits = [span, login, policyOf()].map((policy) => ({ policy, key: 'k', cost: 1 }));
    await expect(misled.store.consume(hits)).rejects.toThrow(StoreUnavailableError);
    await expect(ask(policyOf())).rejects.toThrow('was not charged');
    misled.lie = 0;
    expect(await left(span)).toBe(10);
    expect((await ask(login, 0)).blockedFor).toBeUndefined();
    expect(await own.client.keys('*daily*')).toEqual([]);
  });
});

const policies: fc.Arbitrary<Policy> = fc
  .record({
    name: fc.constantFrom('a', 'b'),
    limit: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(5_000_000)),
    window: fc.constantFrom<WindowDefinition>(midway('day'), midway('month'), midway('year'), '1d'),
    blockFor: fc.option(fc.constantFrom('1h' as const, { spans: [3_600_000, 7_200_000] }), { nil: undefined }),
  })
  .map(definePolicy);

const timelines = fc.record({
  rules: fc.array(policies, { minLength: 1, maxLength: 3 }),
  requests: fc.array(
    fc.record({
      wrong: fc.constantFrom(0, WRONG, WRONG, -WRONG),
      hits: fc.array(
        fc.record({
          rule: fc.nat(2),
          key: fc.constantFrom('x', 'y'),
          cost: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: -2, max: 4 }) }, fc.constant(4_500_000)),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      hand: fc.option(fc.constantFrom('reset', 'block', 'unblock'), { freq: 5, nil: undefined }),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});

/** Spans to the minute: both stores judge by the true time, one a little later than the other. */
const rounded = (decisions: readonly Decision[]): unknown =>
  decisions.map(({ resetAfter, retryAfter, blockedFor = 0, ...rest }) => ({
    ...rest,
    spans: [resetAfter, retryAfter, blockedFor].map((span) => Math.min(span, Math.max(1, Math.round(span / 60_000)))),
  }));

it('decides any requests with a wrong estimate as memory decides them', async () => {
  let late = 0;
  await fc.assert(
    fc.asyncProperty(timelines, async ({ rules, requests }) => {
      const misled = new Misled();
      const memory = new MemoryStore();
      for (const { wrong, hits, hand } of requests) {
        if (hand) {
          const { rule, key } = hits[0]!;
          const policy = rules[rule % rules.length]!;
          if (wrong !== 0) await misled.mislead(wrong);
          for (const store of [misled.store, memory]) {
            if (hand === 'reset') await store.reset(policy, key);
            else if (policy.blocks) await store.block(policy, key, hand === 'block' ? 1_800_000 : 0);
          }
        }
        const claims = hits.map(({ rule, key, cost }) => ({ policy: rules[rule % rules.length]!, key, cost }));
        if (wrong !== 0) await misled.mislead(wrong);
        expect(rounded(await misled.store.consume(claims))).toEqual(rounded(memory.consume(claims)));
        late += misled.late;
      }
    }),
    { numRuns: 150 },
  );
  expect(late).toBeGreaterThan(150);
});
