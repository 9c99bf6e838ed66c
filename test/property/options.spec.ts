import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import fc from 'fast-check';
import {
  type Decision,
  byIp,
  definePolicy,
  MemoryStore,
  RateLimit,
  RateLimitError,
  RateLimiter,
  RateLimitModule,
  RedisStore,
  SkipRateLimit,
  type Policy,
} from 'nestjs-redis-rate-limit';
import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { milliseconds } from '../../libs/rate-limit/src/core/duration.js';
import { kindOf, shown } from '../../libs/rate-limit/src/core/shown.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { targetOf } from '../../libs/rate-limit/src/stores/redis/connection/location.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';

/** What definePolicy() says it throws. */
const OF_POLICIES = [
  ...['RL_NAME_INVALID', 'RL_ALGORITHM_UNKNOWN', 'RL_LIMIT_INVALID', 'RL_WINDOW_INVALID', 'RL_BURST_INVALID'],
  ...['RL_PRECISION', 'RL_FAILURE_MODE_INVALID', 'RL_OPTION_UNKNOWN', 'RL_MODE_INVALID', 'RL_WARN_AT_INVALID'],
];
/** What a policy's use adds to that, in the catalogue, the defaults and on a route. */
const OF_USES = [
  ...[...OF_POLICIES, 'RL_OPTION_INVALID', 'RL_PHASE_INVALID', 'RL_COST_INVALID', 'RL_COST_NEVER_PASSES'],
  ...['RL_UNKNOWN_POLICY', 'RL_POLICY_CONFLICT', 'RL_TIMEOUT_INVALID', 'RL_LIST_INVALID'],
];
const OF_THE_MODULE = [
  ...[...OF_USES, 'RL_DENIAL_CACHE_INVALID', 'RL_LIVE_LIMITS_INVALID', 'RL_INSTANCES_INVALID', 'RL_KEYS_INVALID'],
  ...['RL_REDIS_INVALID', 'RL_IMPORTED_BARE'],
];

/** What a getter of the caller's throws. It is not ours, and comes through as it is. */
const THEIRS = new Error('thrown by a getter of the caller');
const throwing = (): never => {
  throw THEIRS;
};

/** Stands for a password. */
const SECRET = 'sesame-7f3a';

/** A refusal: one of these codes, on one line, with the place, the value and no password. */
function expectRefusal(error: unknown, codes: readonly string[]): void {
  if (error === THEIRS) return;
  expect(error).toBeInstanceOf(RateLimitError);
  const { code, message } = error as RateLimitError;
  expect(codes).toContain(code);
  expect(message).toMatch(new RegExp(`^${code}: .{10,700}$`));
  expect(message).not.toContain(SECRET);
}

/** What was thrown, if anything was. */
async function thrownBy(attempt: () => unknown): Promise<unknown> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    return error ?? 'nothing, thrown';
  }
}

class Odd {
  limit = 5;
}
const cyclic: Record<string, unknown> = { window: '1m' };
cyclic.itself = cyclic;

/** Answers nothing that is asked of it by name, except by the symbols with which fast-check looks at values. */
const opaque = new Proxy(
  {},
  {
    get: (_, name) => (typeof name === 'symbol' ? undefined : throwing()),
    has: (_, name) => typeof name !== 'symbol' && throwing(),
    ownKeys: throwing,
  },
);

/** Values that nobody means, all kinds of them. None is a Proxy that is revoked: fast-check cannot look at one. */
const junk: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      ...[undefined, null, '', ' ', '__proto__', 'constructor', true, false, NaN, Infinity, -Infinity, -0, 0, 0.5, -1],
      ...[1, 5, 60_000, 60_001, 1e15, 999_999_999_999_999, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, 5e-324, 5n, -1n],
      ...['5', '1m', '10s', '1 m', '10S', '1.5h', '-1s', '+1s', '1e3ms', '10s\n', '\u0661s', `${'9'.repeat(400)}d`],
      ...[
        'fixed-window',
        'gcra',
        'local',
        'closed',
        'early',
        'ietf',
        'share',
        'toString',
        'p',
        '@p',
        'é',
        'a\nb',
        '\0',
      ],
      ...[Symbol('odd'), Symbol.iterator, [], [1], {}, new Odd(), new Map([['limit', 5]]), new Date(NaN), /x/],
      ...[new Number(5), new String('1m'), Object.create(null), Promise.resolve(5), () => 5, async () => 5, class {}],
      ...[cyclic, new Error('no option'), new WeakMap(), new Proxy({}, {}), 'x'.repeat(10_000), [[[[]]]]],
      ...[
        { toString: throwing, valueOf: throwing, toJSON: throwing },
        { toJSON: () => 'a' },
        { toJSON: () => undefined },
        Object.defineProperty({ toJSON: throwing }, Symbol.toStringTag, { get: throwing }),
        { toJSON: throwing, [Symbol.toStringTag]: 'a\nb' },
        { limit: 10n ** 3_000n },
      ],
      ...[
        Symbol('a\nb'),
        10n ** 3_000n,
        '\u2028',
        '\u202e',
        '\x85',
        Object.assign(new Odd(), { constructor: undefined }),
      ],
      ...[Object.defineProperty({}, 'limit', { get: throwing, enumerable: true }), byIp],
      opaque,
    ),
  },
);

/** A thousand years. */
const LONGEST_WINDOW = 31_536_000_000_000;

const names = fc.oneof(
  fc.constantFrom('p', 'a b', '"', '\\', '}', '{}', '%', '__proto__', 'constructor', ':fw60000'),
  junk,
);

/** A rule that is right but, mostly, for one or two of its parts. */
function nearly<T extends object>(right: fc.Arbitrary<T>, parts: readonly string[], value = junk): fc.Arbitrary<T> {
  const slips = fc.dictionary(fc.constantFrom(...parts), value, { maxKeys: 2 });
  return fc.tuple(right, slips).map(([rule, slip]) => ({ ...rule, ...slip }));
}

const rules = fc
  .record({
    algorithm: fc.constantFrom(...algorithmNames, undefined),
    limit: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 999_999_999_999_999 })),
    window: fc.oneof(
      fc.integer({ min: 1, max: 90_000 }),
      fc.integer({ min: 1, max: LONGEST_WINDOW }),
      fc.constantFrom('1ms', '10s', '15m', '2h', '365d'),
    ),
    onStoreFailure: fc.constantFrom('local', 'open', 'closed', undefined),
    mode: fc.constantFrom('enforce', 'shadow', undefined),
    warnAt: fc.constantFrom(undefined, undefined, 0.8),
  })
  .chain((rule) =>
    rule.algorithm === 'gcra' || rule.algorithm === 'token-bucket'
      ? fc.oneof(fc.constant({}), fc.record({ burst: fc.integer({ min: 1, max: 9 }) })).map((b) => ({ ...rule, ...b }))
      : fc.constant(rule),
  );
const DEFINING = ['name', 'algorithm', 'limit', 'window', 'burst', 'onStoreFailure', 'mode', 'warnAt'];
const DEFINING_THE_MODULE = [
  ...['policies', 'default', 'keys', 'headers', 'onStoreFailure', 'instances', 'prefix', 'timeout', 'denialCache'],
  ...['liveLimits', 'mode', 'shadowHeaders', 'observer'],
  ...['store', 'isGlobal', 'guard', 'redsi', 'allow', 'deny'],
];
const USING = ['key', 'cost', 'skip', 'phase', 'allow', 'deny', ...DEFINING];

/** Whatever is spent, given back or asked of a policy that was accepted, the numbers are numbers. */
async function expectUsable(policy: Policy): Promise<void> {
  expect(policy.name).toMatch(/^[ -~]{1,128}$/);
  let time = 1_700_000_000_000;
  const store = new MemoryStore({ now: () => time });
  const costs = [1, policy.burst, 1, 0, policy.limit, -1, 3, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2];
  for (const cost of [...costs, ...costs]) {
    const [decision] = store.consume([{ policy, key: 'k', cost }]);
    const { allowed, limit, remaining, resetAfter, retryAfter } = decision!;
    expect(typeof allowed).toBe('boolean');
    expect([limit, remaining, resetAfter, retryAfter].filter((number) => !Number.isSafeInteger(number))).toEqual([]);
    expect(Math.min(limit, remaining, resetAfter, retryAfter + 1)).toBeGreaterThanOrEqual(0);
    expect(remaining).toBeLessThanOrEqual(Math.max(policy.limit, policy.burst));
    expect(allowed).toBe(retryAfter === 0);
    time += Math.ceil(policy.window / 7);
  }
}

describe('a policy that is written down', () => {
  it('is refused in the words of its error, or can be judged', async () => {
    let accepted = 0;
    const named = fc.tuple(rules, names).map(([rule, name]) => ({ ...rule, name }));
    const definitions = fc.oneof(
      { weight: 6, arbitrary: nearly(named, DEFINING) },
      { weight: 2, arbitrary: named },
      junk,
    );
    await fc.assert(
      fc.asyncProperty(definitions, async (definition) => {
        let policy: Policy;
        try {
          policy = definePolicy(definition as never);
        } catch (error) {
          return expectRefusal(error, OF_POLICIES);
        }
        accepted++;
        await expectUsable(policy);
      }),
      { numRuns: 1_500 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it.each<[string, string, fc.Arbitrary<unknown>, (value: unknown) => boolean]>([
    ['name', 'RL_NAME_INVALID', junk, (value) => typeof value === 'string' && /^(?!@)[ -~]{1,128}$/.test(value)],
    ['limit', 'RL_LIMIT_INVALID', junk, (value) => isWhole(value, 0, 999_999_999_999_999)],
    ['burst', 'RL_BURST_INVALID', junk, (value) => value === undefined || isWhole(value, 1, 999_999_999_999_999)],
    [
      'algorithm',
      'RL_ALGORITHM_UNKNOWN',
      junk,
      (value) => value === undefined || algorithmNames.includes(value as never),
    ],
    [
      'onStoreFailure',
      'RL_FAILURE_MODE_INVALID',
      junk,
      (value) => value === undefined || ['local', 'open', 'closed'].includes(value as string),
    ],
  ])('of a wrong %s the error is %s and shows it, and of a right one there is none', (part, code, values, isRight) => {
    fc.assert(
      fc.property(values, (value) => {
        const right = { name: 'p', limit: 1, window: 1, algorithm: part === 'burst' ? 'gcra' : 'fixed-window' };
        const attempt = () => definePolicy({ ...right, [part]: value } as never);
        if (isRight(value)) return void attempt();
        expect(attempt).toThrow(RateLimitError);
        expect(attempt).toThrow(
          expect.objectContaining({ code, message: expect.stringContaining(`got ${shown(value)}`) }),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('a window is what it reads like, exactly, or is refused and shown', () => {
    const digits = fc.oneof(
      fc.nat().map(String),
      fc.string({ unit: fc.nat(9).map(String), maxLength: 20 }),
      fc.constantFrom(
        '',
        '-1',
        '+1',
        '1.5',
        '1e3',
        '0x1',
        ' 1',
        '1 ',
        '1_000',
        '٣',
        '１',
        'NaN',
        'Infinity',
        '9'.repeat(400),
      ),
    );
    const units = fc.constantFrom('ms', 's', 'm', 'h', 'd', '', 'M', 'S', 'min', 'w', 'sec', ' s', 's ', 's\n', 'с');
    const written = fc.tuple(digits, units).map((parts) => parts.join(''));
    const sizes: Record<string, bigint> = { ms: 1n, s: 1_000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };
    fc.assert(
      fc.property(fc.oneof(written, written, junk), (window) => {
        const [, number, unit] = /^([0-9]+)(ms|s|m|h|d)$/.exec(typeof window === 'string' ? window : '') ?? [];
        const span = unit === undefined ? window : Number(BigInt(number!) * sizes[unit]!);
        const attempt = () => milliseconds(window as never);
        if (isWhole(span, 1, LONGEST_WINDOW)) return expect(attempt()).toBe(span);
        expect(attempt).toThrow(
          expect.objectContaining({
            code: 'RL_WINDOW_INVALID',
            message: expect.stringContaining(`got ${shown(window)}`),
          }),
        );
      }),
      { numRuns: 1_500, examples: [['365000d'], ['365001d'], [LONGEST_WINDOW + 1], [Number.MAX_SAFE_INTEGER]] },
    );
  });

  it('the largest there are can be judged, and what cannot be counted exactly is refused', async () => {
    for (const algorithm of algorithmNames) {
      for (const window of [1, 1_000, 86_400_000, LONGEST_WINDOW]) {
        for (const most of [0, 1, Math.floor(Number.MAX_SAFE_INTEGER / window), 999_999_999_999_999]) {
          const limit = Math.min(most, 999_999_999_999_999);
          const define = () => definePolicy({ name: 'p', algorithm, limit, window });
          const weighs = algorithm === 'sliding-window' || algorithm === 'token-bucket';
          if (weighs && !Number.isSafeInteger(limit * window)) {
            expect(define).toThrow(expect.objectContaining({ code: 'RL_PRECISION' }));
          } else await expectUsable(define());
        }
      }
    }
  });
});

const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

/** The application's own quotas, which any options that are accepted leave usable. */
const own = { name: 'own', limit: 2, window: '1m' } as const;

/** Starts nothing but the module, and closes it. */
async function started(module: DynamicModule, controllers: Type[] = [], then = spendOne): Promise<void> {
  class Root {}
  const app = await NestFactory.createApplicationContext(
    { module: Root, imports: [module], controllers },
    { logger: false, abortOnError: false },
  );
  try {
    await then(app.get(RateLimiter));
  } finally {
    await app.close();
  }
}

async function spendOne(limiter: RateLimiter): Promise<void> {
  expect(await limiter.consume(own, randomUUID())).toMatchObject({ allowed: true, remaining: 1, retryAfter: 0 });
}

/** A controller whose one handler is decorated so. */
function decorated(decorator: MethodDecorator & ClassDecorator, further: MethodDecorator & ClassDecorator): Type {
  @Controller()
  @further
  class CatsController {
    @Get()
    @decorator
    find() {}
  }
  return CatsController;
}

describe('the options of the module', () => {
  const texts = fc.constantFrom(
    'p',
    'q',
    'daily',
    '',
    ' ',
    '@p',
    'é',
    '__proto__',
    'constructor',
    '}',
    'x'.repeat(129),
    'x'.repeat(3_000),
    'a\nb',
  );
  const lookedUp = rules.map((rule) => ({ ...rule, resolve: () => ({}), resolveCache: { by: byIp, for: '30s' } }));
  const looking = nearly(lookedUp, ['resolve', 'resolveCache', 'resolveTimeout']);
  const uses = nearly(rules, USING);
  const asked = fc.oneof(
    { weight: 4, arbitrary: fc.oneof(fc.constantFrom('p', 'daily'), rules) },
    texts,
    uses,
    nearly(fc.record({ name: texts }), USING),
    junk,
  );
  const keys = nearly(fc.constant({}), [
    'user',
    'tenant',
    'apiKeyHeader',
    'ipv6Prefix',
    'withoutAddress',
    'ipv6prefix',
  ]);
  const or = (right: fc.Arbitrary<unknown>, value = junk) => fc.oneof({ weight: 3, arbitrary: right }, value);
  const options = fc.record(
    {
      policies: or(fc.dictionary(texts, fc.oneof(rules, uses, looking, junk), { maxKeys: 3 })),
      default: or(fc.array(asked, { maxLength: 2 })),
      keys: or(keys),
      headers: or(fc.constantFrom('ietf', 'legacy', 'both', 'none')),
      onStoreFailure: or(fc.constantFrom('local', 'open', 'closed')),
      instances: or(fc.integer({ min: 1, max: 99 })),
      prefix: or(fc.string()),
      timeout: or(fc.integer({ min: 1, max: 60_000 })),
      denialCache: or(fc.constantFrom(false, '1s', 60_000)),
      liveLimits: or(fc.constantFrom(false, '1s', 100, '1m')),
      store: or(fc.constant(new MemoryStore())),
      mode: or(fc.constantFrom('enforce', 'shadow')),
      shadowHeaders: or(fc.boolean()),
      observer: or(fc.constant({ decided: () => undefined })),
      isGlobal: junk,
      guard: junk,
      redsi: junk,
    },
    { requiredKeys: [] },
  );
  // Most of what has many parts is wrong in several of them: only the first would ever be told.
  const few = fc
    .tuple(options, fc.subarray([...DEFINING_THE_MODULE], { maxLength: 3 }))
    .map(([all, some]) => Object.fromEntries(Object.entries(all).filter(([name]) => some.includes(name))));

  it('are refused in the words of their error, or an application starts with them', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(few, fc.boolean(), async (options, isAsync) => {
        const { guard, isGlobal, ...rest } = options as Record<string, never>;
        const error = await thrownBy(() =>
          started(
            isAsync
              ? RateLimitModule.forRootAsync({ useFactory: () => rest, guard, isGlobal })
              : RateLimitModule.forRoot(options),
          ),
        );
        if (error === undefined) accepted++;
        else expectRefusal(error, OF_THE_MODULE);
      }),
      { numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(40);
  });

  it.each<[string, string, unknown[]]>([
    ['headers', 'RL_OPTION_INVALID', ['IETF', 'draft-7', '', null, 1, Symbol('x'), ['ietf'], {}]],
    ['prefix', 'RL_OPTION_INVALID', [null, 5, 5n, Symbol('x'), {}, [], cyclic]],
    [
      'policies',
      'RL_OPTION_INVALID',
      [null, 5, 'p', [], [['p', {}]], Symbol('x'), new Map(), new Set(), Promise.resolve({})],
    ],
    ['default', 'RL_OPTION_INVALID', [null, 'p', { 0: 'p', length: 1 }, new Set(['p']), 5n]],
    ['store', 'RL_OPTION_INVALID', [null, 5, 'memory', {}, { consume: 1, reset: 1 }, Symbol('x'), cyclic]],
    ['onStoreFailure', 'RL_FAILURE_MODE_INVALID', [null, 'Local', 'close', true, 5n, {}, ['local']]],
    ['instances', 'RL_INSTANCES_INVALID', [null, 0, -1, 0.5, NaN, '4', 4n, Infinity, 2 ** 53, {}]],
    ['timeout', 'RL_TIMEOUT_INVALID', [null, 0, -1, 0.5, NaN, '250', 250n, Infinity, 60_001, '1s']],
    ['denialCache', 'RL_DENIAL_CACHE_INVALID', [null, true, 0, 0.5, 60_001, '61s', '2m', '1 s', 5n, Symbol('x'), {}]],
    ['liveLimits', 'RL_LIVE_LIMITS_INVALID', [null, true, 0, 99, '99ms', 60_001, '2m', '1 s', 5n, Symbol('x'), {}]],
  ])('a wrong value of %s is %s and is shown', async (name, code, values) => {
    for (const value of values) {
      const error = await thrownBy(() => started(RateLimitModule.forRoot({ [name]: value })));
      expectRefusal(error, [code]);
      // A store may have been meant for redis, with its password.
      expect((error as Error).message).toContain(`got ${(name === 'store' ? kindOf : shown)(value)}`);
      expect((error as Error).message).toContain(name);
    }
  });

  it('what decorators are given is refused with the handler named, or an application starts with it', async () => {
    const policies = { p: { limit: 5, window: '1m' }, daily: { limit: 9, window: '1d' } } as const;
    const decorators = fc.oneof(
      fc.array(asked, { maxLength: 2 }).map((all) => RateLimit(...(all as never[]))),
      // Without a name to skip it would mean: all.
      fc.array(fc.oneof(texts, junk), { minLength: 1, maxLength: 2 }).map((all) => SkipRateLimit(...(all as never[]))),
    );
    const right = [
      [RateLimit('p'), RateLimit('daily')],
      [RateLimit({ limit: 3, window: '1m' }), RateLimit('daily')],
      [RateLimit({ name: 'p', cost: 2 }), RateLimit('daily')],
      [SkipRateLimit('p'), RateLimit('daily')],
      [SkipRateLimit(), RateLimit('daily')],
      [RateLimit('p', { name: 'own', limit: 5, window: '1h' }), RateLimit('daily')],
    ] satisfies [MethodDecorator & ClassDecorator, MethodDecorator & ClassDecorator][];
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(decorators, fc.option(decorators, { nil: RateLimit('daily') }), async (on, further) => {
        const error = await thrownBy(() => started(RateLimitModule.forRoot({ policies }), [decorated(on, further)]));
        if (error === undefined) accepted++;
        else {
          expectRefusal(error, OF_USES);
          if (error !== THEIRS) expect((error as Error).message).toMatch(/: CatsController(\.find)?: /);
        }
      }),
      { numRuns: 250, examples: [[SkipRateLimit(undefined as never), RateLimit('daily')], ...right] },
    );
    // By chance some nine more are.
    expect(accepted).toBeGreaterThanOrEqual(right.length);
  });

  it('a name that is null is no name, and shares no quota', async () => {
    const unnamed = { name: null, limit: 5, window: '1m' } as never;
    const error = await thrownBy(() =>
      started(RateLimitModule.forRoot({}), [decorated(RateLimit(unnamed), RateLimit(own))]),
    );
    expectRefusal(error, ['RL_NAME_INVALID']);
  });

  it('are an object, or are refused at once', async () => {
    const values = [null, 5, '', `redis://:${SECRET}@h`, Symbol('x'), () => ({}), []];
    for (const value of [...values, undefined, new Map(), Promise.resolve({})]) {
      expectRefusal(await thrownBy(() => RateLimitModule.forRoot(value as never)), ['RL_OPTION_INVALID']);
    }
    for (const value of [...values, undefined]) {
      const module = RateLimitModule.forRootAsync({ useFactory: () => value as never });
      expectRefusal(await thrownBy(() => started(module)), ['RL_OPTION_INVALID', 'RL_OPTION_UNKNOWN']);
    }
  });
});

describe('where Redis is', () => {
  let sockets = 0;
  const counted = () => void sockets++;
  beforeEach(() => {
    sockets = 0;
    subscribe('net.client.socket', counted);
  });
  afterEach(() => {
    unsubscribe('net.client.socket', counted);
    expect(sockets).toBe(0);
  });

  const refused = async (redis: unknown): Promise<RateLimitError> => {
    const error = await thrownBy(() => started(RateLimitModule.forRoot({ redis } as never)));
    expectRefusal(error, ['RL_REDIS_INVALID']);
    return error as RateLimitError;
  };
  const isUrl = (text: string): boolean =>
    /^\s*\//.test(text) || (/^\s*rediss?:\/\//.test(text) && URL.canParse(text.trim()));

  it('text that is no url is refused and shown, and nothing is opened', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(
          fc.constantFrom('redis://', 'rediss://', 'redis:/', 'redis:', 'REDIS://', 'http://', '//', ' redis://', ''),
          fc.constantFrom('localhost', 'ho st', '[::1', '%', 'a:b:c', 'h:99999', 'h:-1', ''),
          fc.constantFrom('', ':6379', '/0', '?db=1', ' ', '\0'),
        )
        .map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (redis) => {
        fc.pre(!isUrl(redis));
        const { message } = await refused(redis);
        // With neither of these there is no password in it.
        if (!/@|:(?!\/\/)/.test(redis)) expect(message).toContain(`got ${shown(redis)}`);
      }),
      {
        numRuns: 150,
        examples: [[''], ['localhost:6379'], ['redis//localhost'], ['REDIS://localhost'], ['redis://h:99999']],
      },
    );
  });

  it('the password of a url that is malformed is told to nobody', async () => {
    const urls = fc
      .tuple(
        fc.constantFrom(
          ...['http://', 'https://', 'amqp://', 'redis://', 'rediss://', 'tcp://', 'Redis://', 'redis+tls://'],
          ...['', ' redis://', '"redis://', `\n'redis://`, 'redis:', 'redis:/', '://'],
        ),
        fc.constantFrom('', 'me', 'a@b', '%', 'me:me'),
        fc.constantFrom(
          SECRET,
          `a@${SECRET}`,
          `${SECRET}@b`,
          `/${SECRET}`,
          `#${SECRET}?`,
          `${SECRET}:${SECRET}`,
          ` ${SECRET}`,
          `\n${SECRET}\n`,
          `://${SECRET}`,
          `pass@?password=${SECRET}`,
        ),
        fc.constantFrom('host', 'host:6379/0', 'ho:st:99999', '[::1', 'h h', '', '%'),
      )
      .map(([scheme, user, password, host]) => `${scheme}${user}:${password}@${host}`);
    await fc.assert(
      fc.asyncProperty(urls, async (redis) => {
        fc.pre(!isUrl(redis));
        expect((await refused(redis)).message).toContain('***');
      }),
      {
        numRuns: 100,
        examples: [
          `"redis://:${SECRET}@h"`,
          `me:${SECRET}@h:6379`,
          `http://me:sec\n${SECRET}@h`,
          `http://h?password=${SECRET}`,
          `http://h?db=1&password=a@${SECRET}`,
          `{"host":"h","password":"${SECRET}"}`,
        ].map((url): [string] => [url]),
      },
    );
  });

  it('whatever is in the password of a url, it is read as it is or told to nobody', () => {
    const passwords = fc.array(
      fc.oneof(
        fc.constantFrom(SECRET, ...['@', '/', '?', '#', '%', ':', '[', ']', ' ', ',', '&', '=', String.raw`\ `]),
        fc.string(),
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(passwords, (parts) => {
        const password = [SECRET, ...parts].join('');
        expect(targetOf(`redis://:${encodeURIComponent(password)}@h`)).toEqual({ options: { host: 'h', password } });
        let read: object;
        try {
          read = targetOf(`redis://:${password}@h`);
        } catch (error) {
          return expectRefusal(error, ['RL_REDIS_INVALID']);
        }
        expect(read).toEqual({ options: { host: 'h', password: expect.stringMatching(SECRET) } });
      }),
      { numRuns: 300 },
    );
  });

  it('whatever an option of ioredis is, it is taken or refused', () => {
    const names = [
      'host',
      'port',
      'path',
      'family',
      'db',
      'username',
      'password',
      'tls',
      'sentinels',
      'connectTimeout',
    ];
    const more = [
      'keyPrefix',
      'retryStrategy',
      'natMap',
      'lazyConnect',
      'maxRetriesPerRequest',
      'monitor',
      'url',
      'foo',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...names, ...more), junk, (name, value) => {
        for (const location of [{ port: 1, [name]: value }, { nodes: [{ port: 1, [name]: value }, value] }]) {
          try {
            targetOf(location);
          } catch (error) {
            expectRefusal(error, ['RL_REDIS_INVALID']);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('what ioredis does not take is refused in its words', async () => {
    expect(await refused({ sentinels: [] })).toMatchObject({
      message: 'RL_REDIS_INVALID: ioredis refuses the redis options: Requires at least one sentinel to connect to.',
      cause: expect.any(Error),
    });
    await refused({ nodes: ['h'], options: { scaleReads: 'a\nb' } });
  });

  it('what is neither text nor options nor a client is refused, and nothing is opened', async () => {
    const values = fc.oneof(
      junk.filter((value) => value !== undefined && typeof value !== 'string' && !isLiteral(value)),
      fc.constantFrom('url', 'uri').map((name) => ({ [name]: `redis://:${SECRET}@host` })),
      junk.filter((nodes) => !Array.isArray(nodes) || nodes.length === 0).map((nodes) => ({ nodes })),
      fc.constantFrom<unknown>(
        ...[new URL(`redis://:${SECRET}@host`), Promise.resolve({ password: SECRET }), new (class extends Odd {})()],
        ...[[`redis://:${SECRET}@host`], new Map([['password', SECRET]]), new Set([SECRET]), new Error(SECRET)],
        ...[{ nodes: `redis://:${SECRET}@host` }, { nodes: { password: SECRET } }],
        ...[() => SECRET, class Redis {}, Object.assign(new Odd(), { password: SECRET, evalsha: () => 1 })],
      ),
    );
    await fc.assert(
      fc.asyncProperty(values, async (redis) => void (await refused(redis))),
      {
        numRuns: 150,
        examples: [
          ...[null, 0, false, [], { nodes: [] }, { nodes: {} }, { nodes: undefined }, { nodes: { password: SECRET } }],
          ...[{ nodes: `redis://:${SECRET}@host` }, Object.assign(new Odd(), { constructor: undefined })],
        ].map((value): [unknown] => [value]),
      },
    );
  });

  it('a store is made with a client or not at all', () => {
    fc.assert(
      fc.property(junk, (client) => {
        try {
          new RedisStore(client as never);
          expect(client).toBe('refused');
        } catch (error) {
          expectRefusal(error, ['RL_REDIS_INVALID']);
        }
      }),
      { numRuns: 200, examples: [[{ host: 'h', password: SECRET }], [`redis://:${SECRET}@h`]] },
    );
  });

  it('what was meant for redis is not shown when it is given as store', async () => {
    for (const store of [`redis://:${SECRET}@h`, { host: 'h', password: SECRET }, [SECRET]]) {
      const error = await thrownBy(() => started(RateLimitModule.forRoot({ store: store as never })));
      expectRefusal(error, ['RL_OPTION_INVALID']);
    }
  });
});

/** What ioredis could take for options. */
function isLiteral(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

describe('code without a request', () => {
  it('is told of a policy, key or cost that is none, and gets numbers otherwise', async () => {
    const policies = {
      daily: { limit: 9, window: '1d' },
      plan: { limit: () => 5, window: '1d' },
      found: { limit: 5, window: '1d', resolve: () => ({}) },
    } as const;
    const asked = fc.oneof(
      fc.constantFrom<unknown>('daily', own),
      fc.constantFrom<unknown>('plan', 'found', 'nobody', '', '__proto__', 'constructor'),
      nearly(
        fc.tuple(rules, names).map(([rule, name]) => ({ ...rule, name })),
        [...DEFINING, 'id'],
      ),
      junk,
    );
    const options = fc.oneof(
      { weight: 3, arbitrary: fc.oneof(fc.integer(), junk).map((cost) => ({ cost })) },
      { weight: 1, arbitrary: junk },
    );
    const calls = fc.tuple(asked, fc.oneof(fc.string(), junk), options);
    const codes = [
      ...OF_POLICIES,
      'RL_OPTION_INVALID',
      'RL_POLICY_INVALID',
      'RL_UNKNOWN_POLICY',
      'RL_POLICY_DYNAMIC',
      'RL_KEY_INVALID',
      'RL_COST_INVALID',
    ];
    await started(RateLimitModule.forRoot({ policies }), [], async (limiter) => {
      await fc.assert(
        fc.asyncProperty(calls, async ([policy, key, options]) => {
          let decision: Decision;
          try {
            decision = await limiter.consume(policy as never, key as never, options as never);
          } catch (error) {
            return expectRefusal(error, codes);
          }
          // A list of no policies.
          if (Array.isArray(decision))
            return expect([decision, policy, key, options]).toEqual([[], [], undefined, undefined]);
          const { cost = 1 } = (options ?? {}) as { cost?: unknown };
          expect([typeof key, Number.isSafeInteger(cost)]).toEqual(['string', true]);
          expect([decision.limit, decision.remaining].filter((number) => !Number.isSafeInteger(number))).toEqual([]);
          expect(decision.allowed).toBe(decision.retryAfter === 0);
        }),
        {
          numRuns: 600,
          examples: [
            ...[undefined, null, 5, Symbol('x')].map((policy): [[unknown, string, object]] => [[policy, 'k', {}]]),
            ...([null, 5, { cots: 2 }].map((options): [[unknown, string, unknown]] => [['daily', 'k', options]]) as []),
          ],
        },
      );
    });
  });

  it.each(['memory', 'redis', 'layered'])(
    'a %s store is told of hits that are none, and refuses them',
    async (kind) => {
      const never = async () => Promise.reject(new Error('asked'));
      const scripts = { evalsha: never, eval: never, script: never };
      const client = {
        ...scripts,
        hget: never,
        hgetall: never,
        pexpire: never,
        quit: never,
        disconnect() {},
      };
      const redis = new RedisStore(client);
      const layers = new DenialCacheStore(new FailurePolicyStore(redis, { mode: 'local', observer: {} }));
      const store = kind === 'memory' ? new MemoryStore() : kind === 'redis' ? redis : layers;
      const policy = definePolicy(own);
      const codes = ['RL_HIT_INVALID', 'RL_POLICY_INVALID', 'RL_KEY_INVALID', 'RL_COST_INVALID'];
      const none = junk.filter((value) => !Array.isArray(value) || value.length > 0);
      const noKey = junk.filter((value) => typeof value !== 'string');
      await fc.assert(
        fc.asyncProperty(none, noKey, async (value, key) => {
          for (const hits of [value, [value], [{ policy: value, key: 'k', cost: 1 }], [{ policy, key, cost: 1 }]]) {
            expectRefusal(await thrownBy(() => store.consume(hits as never)), codes);
          }
          expectRefusal(await thrownBy(() => store.reset(value as never, 'k')), codes);
          expectRefusal(await thrownBy(() => store.reset(policy, key as never)), codes);
        }),
        {
          numRuns: 150,
          examples: [
            [undefined, undefined],
            [null, null],
          ],
        },
      );
    },
  );

  it('a definition is read once, whatever its getters say the next time', () => {
    let limit = 4;
    const definition = {
      name: 'p',
      window: '1m',
      get limit() {
        return ++limit;
      },
    } as const;
    expect(definePolicy(definition)).toMatchObject({ limit: 5, burst: 5 });
  });

  it('a memory store keeps as many keys as it is told, a whole number of them', async () => {
    await fc.assert(
      fc.asyncProperty(junk, async (maxKeys) => {
        let store: MemoryStore;
        try {
          store = new MemoryStore({ maxKeys: maxKeys as never });
        } catch (error) {
          expect(isWhole(maxKeys, 1, Number.MAX_SAFE_INTEGER)).toBe(false);
          return expectRefusal(error, ['RL_MAX_KEYS_INVALID']);
        }
        const policy = definePolicy(own);
        for (let i = 0; i < 9; i++) store.consume([{ policy, key: String(i), cost: 1 }]);
        expect(store.size).toBe(Math.min(9, (maxKeys as number | undefined) ?? 9));
      }),
      { numRuns: 200 },
    );
  });
});
