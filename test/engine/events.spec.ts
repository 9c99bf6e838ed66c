import { setImmediate as turn } from 'node:timers/promises';
import {
  createLimiter,
  StoreUnavailableError,
  type DecisionEvent,
  type Limiter,
  type LimiterOptions,
} from 'nestjs-redis-rate-limit/engine';
import { ObservedStore } from '../../libs/rate-limit/src/engine/observer/observed.store.js';
import { ShadowStore } from '../../libs/rate-limit/src/stores/shadow/shadow.store.js';
import { sharedRedis } from '../support/redis/servers.js';

const open: Limiter[] = [];
afterEach(async () => {
  for (const limiter of open.splice(0)) await limiter.close();
});

const logged: string[] = [];
const log = (message: string) => void logged.push(message);
const logger = { log: () => undefined, warn: log, error: log };
beforeEach(() => void (logged.length = 0));

async function observed(options: LimiterOptions) {
  const events: DecisionEvent[] = [];
  const limiter = await createLimiter({
    logger,
    observer: { decided: (event) => void events.push(event) },
    ...options,
  });
  open.push(limiter);
  return { limiter, events };
}

const policies = {
  one: { limit: 1, window: '1h' },
  login: { limit: 1, window: '1h', blockFor: '2h' },
  free: { limit: 1, window: '1h', onStoreFailure: 'open' },
} as const;

describe('an event tells of every decision', () => {
  it('by the store: policy, key, cost, what is left, why not', async () => {
    const { limiter, events } = await observed({ policies });
    await limiter.consume('one', 'a');
    await limiter.consume('one', 'a');
    await limiter.consume('one', 'b', { cost: 2 });
    await limiter.consume('login', 'a', { cost: 0 });
    await limiter.block('login', 'a', '1m');
    await limiter.consume('login', 'a');
    expect(events).toMatchObject([
      { policy: 'one', key: 'a', cost: 1, allowed: true, by: 'store', reason: undefined, remaining: 0, retryAfter: 0 },
      { policy: 'one', key: 'a', cost: 1, allowed: false, by: 'store', reason: 'limit', remaining: 0 },
      { policy: 'one', key: 'b', cost: 2, allowed: false, by: 'store', reason: 'never', retryAfter: -1 },
      { policy: 'login', key: 'a', cost: 0, allowed: true, by: 'store' },
      { policy: 'login', key: 'a', cost: 1, allowed: false, by: 'store', reason: 'blocked' },
    ]);
    expect(events.every(({ duration }) => duration >= 0 && duration < 60_000)).toBe(true);
  });

  it('one for each of several', async () => {
    const { limiter, events } = await observed({ policies });
    await limiter.consume('one', 'a');
    events.length = 0;
    await limiter.consume([
      { policy: 'login', key: 'a' },
      { policy: 'one', key: 'a' },
    ]);
    expect(events).toMatchObject([
      { policy: 'login', allowed: true, passed: false, remaining: 1 },
      { policy: 'one', allowed: false, passed: false, reason: 'limit' },
    ]);
  });

  it('by lists, which ask no store', async () => {
    const { limiter, events } = await observed({
      policies: { ...policies, one: { ...policies.one, allow: ['user:vip'] } },
      deny: ['user:bad'],
    });
    await limiter.consume('one', 'user:vip', { cost: 5 });
    await limiter.consume('one', 'user:bad');
    expect(events).toMatchObject([
      { policy: 'one', key: 'user:vip', cost: 5, allowed: true, by: 'list', reason: undefined, remaining: undefined },
      { policy: 'one', key: 'user:bad', cost: 1, allowed: false, by: 'list', reason: 'list', retryAfter: -1 },
    ]);
  });

  it('beside a denial by a list, as it is returned: whether the hit would have passed, at its cost', async () => {
    const tokens = { limit: 10, window: '1h', algorithm: 'token-bucket' } as const;
    for (const place of [{}, { redis: sharedRedis().url, prefix: `beside-${process.pid}` }]) {
      const { limiter, events } = await observed({ ...place, policies: { tokens }, deny: ['user:bad'] });
      await limiter.consume('tokens', 'a', { cost: 8 });
      events.length = 0;
      const decisions = await limiter.consume([
        { policy: 'tokens', key: 'a', cost: 2 },
        { policy: 'tokens', key: 'user:bad' },
        { policy: 'tokens', key: 'a', cost: 3 },
        { policy: 'tokens', key: 'a', cost: 11 },
      ]);
      expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false, false, false]);
      expect(decisions[3]!.retryAfter).toBe(-1);
      expect(events).toMatchObject([
        { key: 'a', cost: 2, allowed: true, passed: false, by: 'store', reason: undefined },
        { key: 'a', cost: 3, allowed: false, by: 'store', reason: 'limit' },
        { key: 'a', cost: 11, allowed: false, by: 'store', reason: 'never', retryAfter: -1 },
        { key: 'user:bad', cost: 1, allowed: false, passed: false, by: 'list' },
      ]);
    }
  });

  it('beside a denial by a list, of a policy in shadow too, which denies nothing there either', async () => {
    const trial = { limit: 1, window: '1h', mode: 'shadow' } as const;
    const { limiter, events } = await observed({ policies: { ...policies, trial }, deny: ['user:bad'] });
    await limiter.consume('trial', 'a');
    events.length = 0;
    const decisions = await limiter.consume([
      { policy: 'trial', key: 'a' },
      { policy: 'one', key: 'user:bad' },
    ]);
    expect(decisions).toMatchObject([{ allowed: true, retryAfter: 0, shadow: { allowed: false } }, { allowed: false }]);
    expect(events).toMatchObject([
      { policy: 'trial', allowed: false, passed: false, shadow: true, reason: 'limit' },
      { policy: 'one', allowed: false, shadow: false, reason: 'list' },
    ]);
  });

  it('from memory of a denial, which asks no Redis', async () => {
    const { limiter, events } = await observed({ policies, redis: sharedRedis().url, prefix: `events-${process.pid}` });
    for (let i = 0; i < 3; i++) await limiter.consume('one', 'a');
    expect(events.map(({ by, allowed }) => [by, allowed])).toEqual([
      ['store', true],
      ['store', false],
      ['remembered', false],
    ]);
  });

  it('while the store gives no answer: locally, or unseen', async () => {
    const away = async () => Promise.reject(new StoreUnavailableError('away'));
    const { limiter, events } = await observed({
      policies: { one: policies.one, free: policies.free },
      store: { consume: away, reset: away },
    });
    await limiter.consume('one', 'a');
    await limiter.consume('one', 'a');
    await limiter.consume('free', 'a');
    await limiter.consume('free', 'a');
    expect(events.map(({ by, allowed }) => [by, allowed])).toEqual([
      ['local', true],
      ['local', false],
      ['open', true],
      ['open', true],
    ]);
  });
});

it.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('mine');
    },
  ],
  ['rejects', () => Promise.reject(new Error('mine'))],
])('a listener that %s harms no decision, and is logged once', async (_, decided) => {
  const { limiter } = await observed({ policies, observer: { decided: () => decided() as undefined } });
  for (let i = 0; i < 3; i++) expect((await limiter.consume('one', 'a')).allowed).toBe(i === 0);
  expect(logged).toEqual(['decided() of the observer threw: mine']);
});

it.each<[string, unknown]>([
  ['cannot be read', unreadable()],
  [
    'has a message that throws',
    withMessage({
      get: () => {
        throw new Error('inner');
      },
    }),
  ],
  ['has a message that is no text', withMessage({ value: Symbol('text') })],
])('what a listener throws harms no decision, though it %s', async (_, thrown) => {
  const listeners: (() => unknown)[] = [
    () => {
      throw thrown;
    },
    async () => {
      throw thrown;
    },
  ];
  for (const decided of listeners) {
    const { limiter } = await observed({ policies, observer: { decided: () => decided() as undefined } });
    expect((await limiter.consume('one', 'a')).allowed).toBe(true);
    await turn();
    expect(logged).toEqual([expect.stringMatching(/^decided\(\) of the observer threw: /)]);
    logged.length = 0;
  }
});

it.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('the log is full');
    },
  ],
  ['rejects', () => Promise.reject(new Error('the log is full'))],
])('a logger that %s harms no start and no decision', async (name, log) => {
  const broken = { log, warn: log, error: log } as unknown as NonNullable<LimiterOptions['logger']>;
  const away = async () => Promise.reject(new StoreUnavailableError('away'));
  const places: LimiterOptions[] = [{}, { store: { consume: away, reset: away } }, { redis: sharedRedis().url }];
  for (const place of places) {
    const { limiter } = await observed({
      policies: { one: policies.one },
      logger: broken,
      ...place,
      observer: { decided: () => log() as undefined },
    });
    expect((await limiter.consume('one', `log-${process.pid}-${name}`)).allowed).toBe(true);
    await turn();
  }
});

it('an observer may be an instance of a class', async () => {
  class Counter {
    private count = 0;
    decided(): void {
      this.count++;
    }
    get seen(): number {
      return this.count;
    }
  }
  const observer = new Counter();
  const { limiter } = await observed({ policies, observer });
  await limiter.consume('one', 'a');
  expect(observer.seen).toBe(1);
});

it('nothing looks at decisions where nobody listens', async () => {
  const { limiter } = await observed({ policies, observer: { storeAnswers: () => undefined } });
  expect(limiter.store).toBeInstanceOf(ShadowStore);
  expect((await observed({ policies })).limiter.store).toBeInstanceOf(ObservedStore);
});

function unreadable(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function withMessage(message: PropertyDescriptor): Error {
  return Object.defineProperty(new Error(), 'message', message);
}
