import { Controller, Get, Injectable, Module, type Type } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { byIp, RateLimit, RateLimitModule, SkipRateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';

afterEach(closeApps);

/** A controller whose one handler is decorated so. */
function decorated(decorator: MethodDecorator & ClassDecorator): Type {
  @Controller()
  class CatsController {
    @Get()
    @decorator
    find() {}
  }
  return CatsController;
}

const started = async (options: unknown, controller?: Type, providers: Type[] = []) =>
  boot('express', options as RateLimitModuleOptions, { controllers: controller ? [controller] : [], providers });

describe('a mistake in the options ends the start and names the value and the fix', () => {
  it.each<[string, unknown, string | RegExp]>([
    [
      'an unknown option',
      { redsi: 'x' },
      `RL_OPTION_UNKNOWN: RateLimitModule.forRoot() has no option "redsi"; it takes redis, store,`,
    ],
    [
      'an empty url',
      { redis: '' },
      `RL_REDIS_INVALID: redis must be a url like 'redis://localhost:6379', ioredis options, { nodes, options } or an ioredis client, got ""; leave it out for the memory store`,
    ],
    ['a url of another kind', { redis: 'http://:secret@x' }, `got "http://***@x"`],
    ['a url that is none', { redis: 'redis://me:sec@ret@ho:st:99999' }, `got "redis://***@ho:st:99999"`],
    ['a url in quotes', { redis: '"redis://:secret@x"' }, String.raw`got "\"redis://***@x\""`],
    ['a url without a scheme', { redis: 'me:secret@x:6379' }, 'got "***@x:6379"'],
    ['a url with a parameter', { redis: 'http://x?password=a@secret&db=1' }, 'got "http://x?password=***"'],
    ['options as text', { redis: '{"password":"secret"}' }, String.raw`got "{\"password\":***"`],
    ...[
      ['@', 'pa@ss', '%40'],
      ['/', 'pa/ss', '%2F'],
      ['/', '12/pass', '%2F'],
      ['#', 'pa#ss', '%23'],
      ['%', 'pa%ss', '%25'],
    ].map(([sign, password, code]): [string, unknown, RegExp] => [
      `a url whose password is ${password}`,
      { redis: `redis://me:${password}@127.0.0.1:1` },
      new RegExp(
        `^RL_REDIS_INVALID: the redis url is malformed: .*"${sign}".* percent-encode it as ${code}(?!.*(?:pa|ss))`,
      ),
    ]),
    [
      'a url that ends in what is not a database',
      { redis: 'redis://127.0.0.1:1/undefined' },
      `RL_REDIS_INVALID: the redis url's db must be a whole number from 0 to 2147483647, got "undefined"; is an environment variable missing?`,
    ],
    [
      'a database that is not a number',
      { redis: { host: '127.0.0.1', port: 1, db: NaN } },
      'RL_REDIS_INVALID: redis.db must be a whole number from 0 to 2147483647, got NaN; is an environment variable missing?',
    ],
    ['an empty database', { redis: { host: '127.0.0.1', port: 1, db: '' } }, 'redis.db must be a whole number'],
    ['a port out of range', { redis: { host: '127.0.0.1', port: '70000' } }, 'redis.port must be a whole number'],
    [
      'a timeout of the connection in words',
      { redis: { host: '127.0.0.1', port: 1, connectTimeout: '500ms' } },
      'RL_REDIS_INVALID: redis.connectTimeout must be a whole number from 0 to 2147483647, got "500ms"',
    ],
    [
      'a certificate that is none',
      { redis: { host: '127.0.0.1', port: 1, tls: { cert: 'x' } } },
      'RL_REDIS_INVALID: Node.js does not take what redis says: ',
    ],
    [
      'a password beside the nodes of a Cluster',
      { redis: { nodes: ['127.0.0.1:1'], password: 'secret' } },
      'RL_REDIS_INVALID: redis.password is ignored beside nodes; put it into options, or into options.redisOptions',
    ],
    ['a prefix with an empty tag', { prefix: 'a{}' }, 'RL_OPTION_INVALID: prefix must not have an empty hash tag'],
    ['no url at all', { redis: 7 }, 'got 7'],
    ['nodes that are no list', { redis: { nodes: 'redis://:secret@x' } }, 'a list of at least one node, got text'],
    [
      'no sentinels',
      { redis: { sentinels: [] } },
      'RL_REDIS_INVALID: ioredis does not take what redis says: Requires at least one sentinel to connect to.',
    ],
    ['a promise of a client', { redis: Promise.resolve({}) }, 'an ioredis client, got an object of Promise'],
    ['a client of another kind', { redis: new Map() }, 'an ioredis client, got an object of Map'],
    [
      'a url in an object',
      { redis: { url: 'redis://x' } },
      'RL_REDIS_INVALID: ioredis has no option "url"; give the url itself, as text',
    ],
    ['a name that begins as a route', { policies: { '@p': { limit: 1, window: '1m' } } }, 'RL_NAME_INVALID'],
    [
      'both stores',
      { redis: 'redis://x', store: { consume() {}, reset() {} } },
      'RL_OPTION_INVALID: give redis or store, not both',
    ],
    [
      'half a store',
      { store: { consume() {}, password: 'secret' } },
      'RL_OPTION_INVALID: store must have consume() and reset(), got an object of Object',
    ],
    [
      'an unknown profile',
      { headers: 'draft-7' },
      'RL_OPTION_INVALID: headers must be one of ietf, legacy, both, none, got "draft-7"',
    ],
    [
      'an unknown failure mode',
      { onStoreFailure: 'maybe' },
      'RL_FAILURE_MODE_INVALID: onStoreFailure must be one of local, open, closed, got "maybe"',
    ],
    [
      'a timeout of 0',
      { redis: { host: '127.0.0.1', lazyConnect: true }, timeout: 0 },
      'RL_TIMEOUT_INVALID: timeout must be a whole number of ms from 1 to 60000, got 0',
    ],
    [
      'a cut IPv6 prefix',
      { keys: { ipv6Prefix: 20 } },
      'RL_KEYS_INVALID: keys.ipv6Prefix must be a whole number of bits from 32 to 128, got 20',
    ],
    [
      'a list of policies',
      { policies: [] },
      'RL_OPTION_INVALID: policies must be an object: the policies by name, got []',
    ],
    [
      'a policy whose name is not its key',
      { policies: { p: { name: 'q', limit: 1, window: '1m' } } },
      'RL_OPTION_INVALID: policies.p: a policy\'s name in the catalogue is its key there, "p"; leave out name, got "q"',
    ],
    [
      'a window in words',
      { policies: { p: { limit: 1, window: '10 seconds' } } },
      `RL_WINDOW_INVALID: policies.p: window must be like '500ms', '10s', '15m', '2h' or '1d', or a whole number of ms, got "10 seconds"`,
    ],
    [
      'a window of more than a thousand years',
      { policies: { p: { limit: 1, window: '365001d' } } },
      `RL_WINDOW_INVALID: policies.p: window must be '365000d' at most, got "365001d"`,
    ],
    ['a window of half a millisecond', { policies: { p: { limit: 1, window: 0.5 } } }, 'got 0.5'],
    ['no window', { policies: { p: { limit: 1 } } }, 'got undefined'],
    [
      'a limit in text',
      { policies: { p: { limit: '5', window: '1m' } } },
      'RL_LIMIT_INVALID: policies.p: limit must be a whole number from 0 to 999999999999999, got "5"',
    ],
    ['a limit that is NaN', { policies: { p: { limit: NaN, window: '1m' } } }, 'got NaN'],
    ['a negative limit', { policies: { p: { limit: -1, window: '1m' } } }, 'got -1'],
    [
      'an unknown algorithm',
      { policies: { p: { limit: 1, window: '1m', algorithm: 'leaky' } } },
      'RL_ALGORITHM_UNKNOWN: policies.p: algorithm must be one of fixed-window, sliding-window, sliding-log, token-bucket, gcra, got "leaky"',
    ],
    [
      'a burst on a windowed algorithm',
      { policies: { p: { limit: 1, window: '1m', burst: 5 } } },
      'RL_BURST_INVALID: policies.p: fixed-window takes no burst (its burst is its limit), got 5; leave it out, or use token-bucket or gcra',
    ],
    ['a burst of 0', { policies: { p: { limit: 1, window: '1m', algorithm: 'gcra', burst: 0 } } }, 'RL_BURST_INVALID'],
    [
      'more than can be counted',
      { policies: { p: { limit: 1e9, window: '365d', algorithm: 'token-bucket' } } },
      'RL_PRECISION: policies.p: token-bucket counts exactly only while',
    ],
    [
      'an unknown option of a policy',
      { policies: { p: { limit: 1, window: '1m', ttl: 5 } } },
      'RL_OPTION_UNKNOWN: policies.p: a policy has no option "ttl"',
    ],
    [
      'a name that no field can carry',
      { policies: { 日本: { limit: 1, window: '1m' } } },
      `RL_NAME_INVALID: policies.日本: a policy's name must be 1 to 128 printable ASCII characters`,
    ],
    [
      'a name of two lines',
      { policies: { 'a\nb': { limit: 1, window: '1m' } } },
      String.raw`RL_NAME_INVALID: policies.a\u000ab: a policy's name must be 1 to 128 printable ASCII characters`,
    ],
    ['a long name', { policies: { ['x'.repeat(3_000)]: { limit: 1, window: '1m' } } }, `policies.${'x'.repeat(79)}…:`],
    ['an empty name', { policies: { '': { limit: 1, window: '1m' } } }, 'RL_NAME_INVALID'],
    [
      'a cost that can never pass',
      { policies: { p: { limit: 2, window: '1m', cost: 3 } } },
      'RL_COST_NEVER_PASSES: policies.p: p: a request of cost 3 can never pass a fixed-window of limit 2',
    ],
    ['a negative cost', { policies: { p: { limit: 2, window: '1m', cost: -1 } } }, 'RL_COST_INVALID'],
    [
      'a key that is no function',
      { policies: { p: { limit: 2, window: '1m', key: 'ip' } } },
      'RL_OPTION_INVALID: policies.p: p: key must be a function, got "ip"',
    ],
    ['a phase that is none', { policies: { p: { limit: 2, window: '1m', phase: 'middle' } } }, 'RL_PHASE_INVALID'],
    [
      'a resolve that is no function',
      { policies: { p: { limit: 2, window: '1m', resolve: 'plans' } } },
      'RL_OPTION_INVALID: policies.p: p: resolve must be a function, got "plans"',
    ],
    [
      'a limit by request beside resolve',
      { policies: { p: { limit: () => 2, window: '1m', resolve: () => ({}) } } },
      'RL_OPTION_INVALID: policies.p: p: limit must be a number beside resolve: it holds when that has no answer, got a function',
    ],
    [
      'own numbers that are none',
      { policies: { p: { window: '1m', resolve: () => ({}) } } },
      'RL_LIMIT_INVALID: policies.p: limit must be a whole number from 0 to 999999999999999, got undefined',
    ],
    [
      'a cost that passes only if the lookup says so',
      { policies: { p: { limit: 2, window: '1m', cost: 3, resolve: () => ({}) } } },
      'RL_COST_NEVER_PASSES: policies.p: p: a request of cost 3 can never pass a fixed-window of limit 2',
    ],
    [
      'a cache of lookups without a key',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveCache: { for: '30s' } } } },
      'RL_OPTION_INVALID: policies.p: p: resolveCache.by must be a function of the request: what the answer depends on, got undefined',
    ],
    [
      'a cache of lookups for a time in words',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveCache: { by: byIp, for: 'ever' } } } },
      `RL_OPTION_INVALID: policies.p: p: resolveCache.for must be a span like '30s', or a whole number of ms, got "ever"`,
    ],
    [
      'a cache of no lookups',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveCache: { by: byIp, for: 9, max: 0 } } } },
      'RL_OPTION_INVALID: policies.p: p: resolveCache.max must be a whole number, at least 1, got 0',
    ],
    [
      'an unknown option of a cache of lookups',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveCache: { by: byIp, ttl: 9 } } } },
      'RL_OPTION_UNKNOWN: policies.p: p: resolveCache has no option "ttl"; it takes by, for, max',
    ],
    [
      'a span in place of a cache of lookups',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveCache: '30s' } } },
      'RL_OPTION_UNKNOWN: policies.p: p: resolveCache must be an object, got text',
    ],
    [
      'a deadline of 0',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveTimeout: 0 } } },
      'RL_TIMEOUT_INVALID: policies.p: p: resolveTimeout must be a whole number of ms from 1 to 60000, got 0',
    ],
    [
      'a deadline of nothing',
      { policies: { p: { limit: 2, window: '1m', resolveTimeout: 50 } } },
      'RL_OPTION_INVALID: policies.p: p: resolveTimeout stands beside resolve, and there is none',
    ],
    [
      'an unknown default',
      { default: ['burts'] },
      'RL_UNKNOWN_POLICY: default: asks for "burts"; the catalogue is empty',
    ],
  ])('%s', async (_what, options, message) => {
    await expect(started(options)).rejects.toThrow(message);
  });
});

describe('a mistake at a handler names the handler too', () => {
  const policies = { login: { limit: 5, window: '15m' }, daily: { limit: 9, window: '1d' } };

  it.each<[string, MethodDecorator & ClassDecorator, string]>([
    [
      'an unknown policy',
      RateLimit('logn'),
      'RL_UNKNOWN_POLICY: CatsController.find: asks for "logn"; the catalogue has login, daily.',
    ],
    [
      'an unknown policy skipped',
      SkipRateLimit('logn'),
      'RL_UNKNOWN_POLICY: CatsController.find: skips "logn", which is no policy; there are login, daily',
    ],
    [
      'a second definition',
      RateLimit({ name: 'login', limit: 6, window: '15m' }),
      'RL_POLICY_CONFLICT: CatsController.find: "login" is defined twice, with limit 5 and 6;',
    ],
    [
      'a second definition that is looked up',
      RateLimit({ name: 'login', limit: 5, window: '15m', resolve: () => ({}) }),
      'RL_POLICY_CONFLICT: CatsController.find: "login" is defined twice, with resolve undefined and a function;',
    ],
    [
      'a part of a definition for a policy of the catalogue',
      RateLimit({ name: 'login', blockFor: '1m' } as never),
      'RL_POLICY_CONFLICT: CatsController.find: "login" is defined elsewhere, and only its definition can set blockFor; ' +
        'a route may change key, cost, skip, phase, allow, deny only',
    ],
    [
      'a limit for a policy of the catalogue',
      RateLimit({ name: 'login', limit: 6 } as never),
      'RL_POLICY_CONFLICT: CatsController.find: "login" is defined elsewhere, and only its definition can set limit; ',
    ],
    [
      'a policy asked for twice',
      RateLimit('login', 'login'),
      'RL_POLICY_CONFLICT: CatsController.find: asks for "login" twice',
    ],
    [
      'a bad window',
      RateLimit({ limit: 6, window: '15 min' as never }),
      'RL_WINDOW_INVALID: CatsController.find: window must be',
    ],
    [
      'a cost that can never pass, on a route',
      RateLimit({ name: 'login', cost: 6 }),
      'RL_COST_NEVER_PASSES: CatsController.find: login: a request of cost 6',
    ],
    [
      'nothing skipped',
      SkipRateLimit(undefined as never),
      'RL_UNKNOWN_POLICY: CatsController.find: skips undefined, which is no policy; there are login, daily',
    ],
    [
      'a name that is null',
      RateLimit({ name: null, limit: 6, window: '1m' } as never),
      'RL_NAME_INVALID: CatsController.find: a policy',
    ],
    [
      'nothing at all',
      RateLimit(undefined as never),
      'RL_OPTION_INVALID: CatsController.find: a policy must be a name or an object, got undefined',
    ],
  ])('%s', async (_what, decorator, message) => {
    await expect(started({ policies }, decorated(decorator))).rejects.toThrow(message);
  });

  it('a decorator without a policy', async () => {
    await expect(started({ policies }, decorated(RateLimit()))).rejects.toThrow(
      'RL_OPTION_INVALID: CatsController.find: a policy must be a name or an object, got undefined',
    );
  });

  it('the same definition twice is one', async () => {
    await started({ policies }, decorated(RateLimit({ name: 'login', limit: 5, window: 900_000 })));
  });

  it('a decorator where nothing would be limited', async () => {
    @Injectable()
    class CatsService {
      @RateLimit('login')
      find() {}
    }
    const controller = decorated(RateLimit('login'));
    await expect(started({ policies }, controller, [CatsService])).rejects.toThrow(
      'RL_NOT_A_ROUTE: CatsService.find has @RateLimit but is no HTTP route, so nothing would be limited; call RateLimiter.consume() there instead',
    );

    @Controller()
    class MessagesController {
      @MessagePattern('cats')
      @RateLimit('login')
      find() {}
    }
    await expect(started({ policies }, MessagesController)).rejects.toThrow('RL_NOT_A_ROUTE: MessagesController.find');

    @Controller()
    @RateLimit('login')
    class OnlyMessagesController {
      @MessagePattern('cats')
      find() {}
    }
    await expect(started({ policies }, OnlyMessagesController)).rejects.toThrow(
      'RL_NOT_A_ROUTE: OnlyMessagesController',
    );
  });
});

describe('how the module is imported', () => {
  it('a second forRoot is an error', async () => {
    @Module({ imports: [RateLimitModule.forRoot({ policies: {} })] })
    class Feature {}
    await expect(boot('express', { prefix: 'other' }, { imports: [Feature] })).rejects.toThrow('RL_IMPORTED_TWICE');
  });

  it('guard in what a factory returns is an error that says where it belongs', async () => {
    const module = RateLimitModule.forRootAsync({ useFactory: () => ({ guard: false }) as object });
    await expect(boot('express', module, {})).rejects.toThrow(
      'RL_OPTION_UNKNOWN: guard stands beside useFactory, not in what it returns',
    );
  });

  it.each([null, 5, 'redis://:secret@x'])('options that are none are an error, given or made: %#', async (options) => {
    const message = `RL_OPTION_INVALID: RateLimitModule takes an object of options, got ${typeof options === 'string' ? 'text' : options}`;
    expect(() => RateLimitModule.forRoot(options as never)).toThrow(message);
    const module = RateLimitModule.forRootAsync({ useFactory: () => options as never });
    await expect(boot('express', module, {})).rejects.toThrow(message);
  });

  it('an import without forRoot is an error', async () => {
    await expect(boot('express', { module: RateLimitModule }, {})).rejects.toThrow('RL_IMPORTED_BARE');
  });
});
