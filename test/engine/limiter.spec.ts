import { jest } from '@jest/globals';
import {
  createLimiter,
  definePolicy,
  type Limiter,
  type LimiterOptions,
  type Spending,
} from 'nestjs-redis-rate-limit/engine';
import { connectTo, closeClients } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

const open: Limiter[] = [];
afterEach(async () => {
  for (const limiter of open.splice(0)) await limiter.close();
  closeClients();
});

const warnings: string[] = [];
const warn = (message: string) => void warnings.push(message);
const logger = { log: () => undefined, warn, error: warn };

async function limiterWith(options: LimiterOptions): Promise<Limiter> {
  const limiter = await createLimiter({ logger, ...options });
  open.push(limiter);
  return limiter;
}

let prefixes = 0;
const places = {
  memory: () => ({}),
  Redis: () => ({ redis: sharedRedis().url, prefix: `engine-${process.pid}-${++prefixes}` }),
};

describe.each(Object.keys(places) as (keyof typeof places)[])('a limiter in %s', (place) => {
  const policies = {
    calls: { limit: 3, window: '1h' },
    tokens: { limit: 100, window: '1h', algorithm: 'token-bucket' },
    login: { limit: 1, window: '1h', blockFor: '2h' },
  } as const;
  const limiterHere = (more: LimiterOptions = {}) => limiterWith({ ...places[place](), policies, ...more });

  it('decides by a name, a definition and a policy spelled out', async () => {
    const limiter = await limiterHere();
    const spelledOut = { name: 'calls', limit: 3, window: '1h' } as const;
    for (const [i, policy] of (['calls', definePolicy(spelledOut), spelledOut] as const).entries()) {
      expect(await limiter.consume(policy, 'a')).toMatchObject({ allowed: true, remaining: 2 - i, by: 'store' });
    }
    expect(await limiter.consume('calls', 'a')).toMatchObject({ allowed: false, remaining: 0 });
    expect(await limiter.consume('calls', 'b', { cost: 2 })).toMatchObject({ allowed: true, remaining: 1 });
    expect(await limiter.peek('calls', 'b')).toMatchObject({ allowed: true, remaining: 1 });
  });

  it('charges several policies and keys together, all or none', async () => {
    const limiter = await limiterHere();
    const both = (cost: number) =>
      limiter.consume([
        { policy: 'calls', key: 'user:1' },
        { policy: 'tokens', key: 'tenant:a', cost },
      ]);
    expect(await both(90)).toMatchObject([
      { allowed: true, limit: 3, remaining: 2 },
      { allowed: true, limit: 100, remaining: 10 },
    ]);
    expect(await both(20)).toMatchObject([
      { allowed: true, remaining: 2 },
      { allowed: false, remaining: 10 },
    ]);
    expect(await both(5)).toMatchObject([
      { allowed: true, remaining: 1 },
      { allowed: true, remaining: 5 },
    ]);
    expect(await limiter.consume([])).toEqual([]);
  });

  it('adds up what one list spends twice of one quota', async () => {
    const limiter = await limiterHere();
    const twice = { policy: 'calls', key: 'a', cost: 2 };
    expect((await limiter.consume([twice, twice])).map(({ allowed }) => allowed)).toEqual([false, false]);
    expect(await limiter.peek('calls', 'a')).toMatchObject({ remaining: 3 });
  });

  it('goes by the lowest numbers of one quota, whichever come first', async () => {
    const limiter = await limiterHere();
    const generous = { name: 'calls', limit: 100, window: '1h' } as const;
    for (const [key, ...both] of [
      ['a', 'calls', generous],
      ['b', generous, 'calls'],
    ] as const) {
      const spend = (cost: number) => limiter.consume(both.map((policy) => ({ policy, key, cost })));
      expect(await spend(2)).toMatchObject([
        { allowed: false, limit: 3, retryAfter: -1 },
        { allowed: false, limit: 3, retryAfter: -1 },
      ]);
      expect(await spend(1)).toMatchObject([
        { allowed: true, limit: 3, remaining: 1 },
        { allowed: true, limit: 3, remaining: 1 },
      ]);
    }
    await limiter.block('login', 'a', '1m');
    const unblocked = { name: 'login', limit: 1, window: '1h' } as const;
    const login = await limiter.consume([unblocked, 'login'].map((policy) => ({ policy, key: 'a' })) as Spending[]);
    expect(login.map(({ allowed }) => allowed)).toEqual([false, false]);
  });

  it('resets, blocks, unblocks and changes limits', async () => {
    const limiter = await limiterHere();
    await limiter.consume('login', 'a');
    expect(await limiter.consume('login', 'a')).toMatchObject({ allowed: false, blockedFor: 7_200_000 });
    await limiter.unblock('login', 'a');
    expect(await limiter.blockedFor('login', 'a')).toBe(0);
    await limiter.block('login', 'a', '1m');
    expect(await limiter.blockedFor('login', 'a')).toBeGreaterThan(59_000);
    await limiter.reset('login', 'a');
    expect(await limiter.consume('login', 'a')).toMatchObject({ allowed: true });

    await limiter.limits.set('calls', { limit: 7 });
    await limiter.limits.override('calls', 'vip', { limit: 70 });
    expect([(await limiter.peek('calls', 'a')).limit, (await limiter.peek('calls', 'vip')).limit]).toEqual([7, 70]);
  });

  it('reads an address behind ip: in any notation, and cuts IPv6 as the application does', async () => {
    const limiter = await limiterHere({ keys: { ipv6Prefix: 56 } });
    for (const key of ['ip:::ffff:203.0.113.7', 'ip:203.0.113.7', 'ip:2001:db8::1', 'ip:2001:db8::/56']) {
      await limiter.consume('calls', key);
    }
    const left = async (key: string) => (await limiter.peek('calls', key)).remaining;
    expect([await left('ip:203.0.113.7'), await left('ip:2001:DB8:0:ff::')]).toEqual([1, 1]);
    await limiter.reset('calls', '42');
  });

  it('goes by lists, also for several at once', async () => {
    const limiter = await limiterHere({
      policies: { ...policies, calls: { ...policies.calls, allow: ['user:free'] } },
      deny: ['user:bad', '203.0.113.0/24'],
    });
    expect(await limiter.consume('calls', 'ip:203.0.113.9')).toMatchObject({
      allowed: false,
      by: 'list',
      retryAfter: -1,
    });
    const spend = (key: string, cost = 1) =>
      limiter.consume([
        { policy: 'tokens', key: 'tenant:a', cost: 60 },
        { policy: 'calls', key, cost },
      ]);
    // A list denies one: nothing is charged, and the others say whether they would have passed.
    expect(await spend('user:bad')).toMatchObject([
      { allowed: true, remaining: 100, by: 'store' },
      { allowed: false, by: 'list' },
    ]);
    // A list allows one: the others are charged.
    expect(await spend('user:free', 1_000)).toMatchObject([
      { allowed: true, remaining: 40, by: 'store' },
      { allowed: true, remaining: 3, by: 'list' },
    ]);
    expect(await spend('user:bad')).toMatchObject([
      { allowed: false, by: 'store' },
      { allowed: false, by: 'list' },
    ]);
    expect((await limiter.peek('tokens', 'tenant:a')).remaining).toBeLessThan(45);
  });
});

describe('what a limiter opens', () => {
  const policies = { calls: { limit: 3, window: '1h' } } as const;

  it('is shared by limiters of one prefix', async () => {
    const options = { ...places.Redis(), policies };
    const [one, other] = [await limiterWith(options), await limiterWith(options)];
    await one.consume('calls', 'a', { cost: 2 });
    expect(await other.peek('calls', 'a')).toMatchObject({ remaining: 1 });
  });

  it('is closed, but not a client that was handed in', async () => {
    const client = connectTo(sharedRedis().url);
    const { prefix } = places.Redis();
    const limiter = await limiterWith({ redis: client, prefix, policies });
    await limiter.consume('calls', 'a');
    await limiter.close();
    await limiter.close();
    expect(await client.ping()).toBe('PONG');

    const own = await limiterWith({ ...places.Redis(), policies });
    await own.consume('calls', 'a');
    await own.close();
    expect(await own.consume('calls', 'a')).toMatchObject({ by: 'local' });
    await expect(own.reset('calls', 'a')).rejects.toThrow('is not connected: the limiter was closed');
  });

  it('is closed once, however many ask for it at once', async () => {
    const limiter = await limiterWith({ ...places.Redis(), policies });
    const inflight = limiter.consume('calls', 'a');
    const spied = connectTo(sharedRedis().url);
    const quit = jest.spyOn(Object.getPrototypeOf(spied) as { quit(): Promise<unknown> }, 'quit');
    try {
      await Promise.all(Array.from({ length: 20 }, () => limiter.close()));
      expect(quit).toHaveBeenCalledTimes(1);
    } finally {
      quit.mockRestore();
    }
    expect(await inflight).toMatchObject({ allowed: true, by: 'store' });
  });

  it('warns on the console where no logger is given', async () => {
    const onConsole = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    try {
      open.push(await createLimiter({ policies, instances: 2 }));
      expect(onConsole.mock.calls).toEqual([[expect.stringMatching(/^Quotas are kept in memory/)]]);
    } finally {
      onConsole.mockRestore();
    }
  });
});

describe('a mistake in the options of a limiter', () => {
  const calls = { limit: 3, window: '1h' } as const;
  it.each<[string, unknown, string]>([
    ['no options', undefined, 'RL_OPTION_INVALID: createLimiter() takes an object of options, got undefined'],
    ['an unknown option', { redsi: '' }, 'RL_OPTION_UNKNOWN: createLimiter() has no option "redsi"'],
    ['a prefix of addresses', { keys: { ipv6Prefix: 20 } }, 'RL_KEYS_INVALID: keys.ipv6Prefix must be a whole number'],
    ['a key reader', { keys: { user: () => 1 } }, 'RL_OPTION_UNKNOWN: keys has no option "user"; it takes ipv6Prefix'],
    ['what only the module takes', { headers: 'ietf' }, 'RL_OPTION_UNKNOWN: createLimiter() has no option "headers"'],
    ['a limit', { policies: { calls: { ...calls, limit: -1 } } }, 'RL_LIMIT_INVALID: policies.calls: '],
    [
      'a function of a request',
      { policies: { calls: { ...calls, key: () => 'k' } } },
      'RL_OPTION_UNKNOWN: policies.calls: a policy has no option "key"; it takes name, algorithm, limit, window, burst, onStoreFailure, blockFor, debt, mode, lease, warnAt, allow, deny',
    ],
    [
      'a window without its unit',
      { policies: { calls: { limit: 1, window: 60 } } },
      `window: 60 means 60 milliseconds; write '60s'`,
    ],
    ['a limit that is a function', { policies: { calls: { ...calls, limit: () => 3 } } }, 'RL_LIMIT_INVALID'],
    ['a policy that is null', { policies: { calls: null } }, 'RL_OPTION_INVALID: policies.calls: a policy must be an'],
    ['a policy as text', { policies: { calls: '3/1h' } }, 'RL_OPTION_INVALID: policies.calls: a policy must be an'],
    ['policies as a list', { policies: [calls] }, 'RL_OPTION_INVALID: policies must be an object'],
    ['a list', { allow: ['203.0.113.1/99'] }, 'RL_LIST_INVALID: allow[0]'],
    ['a logger without methods', { logger: {} }, 'RL_OPTION_INVALID: logger must have log(), warn() and error()'],
    ['both a store and Redis', { store: {}, redis: '' }, 'RL_OPTION_INVALID: give redis or store, not both'],
    ['an observer of nothing', { observer: { decide() {} } }, 'RL_OPTION_INVALID: observer has none of decided(), '],
    ['an observer', { observer: { decided: 7 } }, 'RL_OPTION_INVALID: observer.decided must be a function'],
    [
      'blockFor with a store that cannot block',
      { policies: { calls: { ...calls, blockFor: '1h' } }, store: { consume: async () => [], reset: async () => {} } },
      'RL_STORE_WITHOUT_BLOCKS',
    ],
  ])('is named: %s', async (_, options, message) => {
    await expect(createLimiter(options as LimiterOptions)).rejects.toThrow(message);
  });

  it.each<[string, (limiter: Limiter) => Promise<unknown>, string]>([
    [
      'an unknown policy',
      (limiter) => limiter.consume('clals', 'a'),
      'RL_UNKNOWN_POLICY: the policy "clals" is not defined; the catalogue has calls',
    ],
    ['one of several', (limiter) => limiter.consume([{ policy: 'clals', key: 'a' }]), 'RL_UNKNOWN_POLICY'],
    ['no key', (limiter) => limiter.consume('calls', undefined as never), 'RL_KEY_INVALID'],
    [
      'no key in one of several',
      (limiter) => limiter.consume(['a', Symbol('b')].map((key) => ({ policy: 'calls', key: key as string }))),
      'RL_KEY_INVALID',
    ],
    ['a cost', (limiter) => limiter.consume([{ policy: 'calls', key: 'a', cost: 0.5 }]), 'RL_COST_INVALID'],
    [
      'a slip of the pen',
      (limiter) => limiter.consume([{ policy: 'calls', key: 'a', csot: 5 } as never]),
      'RL_OPTION_UNKNOWN',
    ],
    ['what is not an object', (limiter) => limiter.consume(['calls'] as never), 'RL_OPTION_UNKNOWN'],
    [
      'one that is no list',
      (limiter) => limiter.consume({ policy: 'calls', key: 'a' } as never),
      'RL_OPTION_INVALID: consume() takes a list, as in consume([{ policy, key, cost }])',
    ],
    ['a list and a key', (limiter) => limiter.consume([] as never, 'a'), 'RL_OPTION_INVALID'],
  ])('is named when it is used: %s', async (_, use, message) => {
    await expect(use(await limiterWith({ policies: { calls } }))).rejects.toThrow(message);
  });
});
