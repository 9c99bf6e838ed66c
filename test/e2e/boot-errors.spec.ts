import {
  Controller,
  Get,
  Inject,
  Injectable,
  Logger,
  Module,
  Scope,
  UseGuards,
  type CanActivate,
  type INestApplication,
  type MiddlewareConsumer,
  type NestMiddleware,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { LazyModuleLoader, NestFactory, REQUEST } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { jest } from '@jest/globals';
import {
  byAll,
  byApiKey,
  byHeader,
  byIp,
  byTenant,
  byUser,
  RateLimit,
  RateLimiter,
  RateLimitModule,
  SkipRateLimit,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
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

@Injectable({ scope: Scope.REQUEST })
class PerTenant {
  createRateLimitOptions(): RateLimitModuleOptions {
    return {};
  }
}

@Injectable({ scope: Scope.REQUEST })
class Tenant {}

@Injectable()
class Tenants {
  @Inject(Tenant)
  readonly tenant!: Tenant;
}

@Injectable({ scope: Scope.REQUEST, durable: true })
class Durable {}

class Named {}

@Module({ providers: [{ provide: 'names', useValue: 'x' }], exports: ['names'] })
class NamesModule {}

const scoped = [PerTenant, Tenants, Tenant, Durable];

@Module({ providers: scoped, exports: scoped })
class TenantModule {}

const started = async (options: unknown, controller?: Type, providers: Type[] = []) =>
  boot('express', options as RateLimitModuleOptions, { controllers: controller ? [controller] : [], providers });

describe('a mistake in the options ends the start and names the value and the fix', () => {
  it.each<[string, unknown, string | RegExp]>([
    [
      'an unknown option',
      { redsi: 'x' },
      `RL_OPTION_UNKNOWN: RateLimitModule.forRoot() has no option "redsi"; did you mean redis? It takes redis, store,`,
    ],
    [
      'one that no option is like',
      { colour: 'x' },
      /has no option "colour"; it takes redis, .*, enabled, guard, isGlobal$/,
    ],
    [
      'a limit that is text, as environment variables are',
      { policies: { p: { limit: '20', window: '1m' } } },
      /^RL_LIMIT_INVALID: .* got "20" \(it is text: use Number\(…\)\)$/,
    ],
    [
      'a limit of a variable that is missing',
      { policies: { p: { limit: NaN, window: '1m' } } },
      /got NaN \(is an environment variable missing\?\)$/,
    ],
    ['instances that are text', { instances: '4' }, /^RL_INSTANCES_INVALID: .*use Number/],
    ['a timeout that is text', { timeout: '250' }, /^RL_TIMEOUT_INVALID: .*use Number/],
    [
      'a cost that is text',
      { policies: { p: { limit: 5, window: '1m', cost: '2' } } },
      /^RL_COST_INVALID: .*use Number/,
    ],
    [
      'resolvers in a list',
      { policies: { p: { limit: 5, window: '1m', key: [byUser, byIp] } } },
      'RL_OPTION_INVALID: policies.p: p: key is a list; use byFirst() or byAll(), as in byFirst(byApiKey, byUser)',
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
      'RL_REDIS_INVALID: Node.js refuses the redis options: ',
    ],
    [
      'a password beside the nodes of a Cluster',
      { redis: { nodes: ['127.0.0.1:1'], password: 'secret' } },
      'RL_REDIS_INVALID: redis.password is ignored beside nodes; put it into redis.options, or into redis.options.redisOptions',
    ],
    ['a prefix with an empty tag', { prefix: 'a{}' }, 'RL_OPTION_INVALID: prefix must not have an empty hash tag'],
    ['no url at all', { redis: 7 }, 'got 7'],
    ['nodes that are no list', { redis: { nodes: 'redis://:secret@x' } }, 'a list of at least one node, got text'],
    [
      'no sentinels',
      { redis: { sentinels: [] } },
      'RL_REDIS_INVALID: ioredis refuses the redis options: Requires at least one sentinel to connect to.',
    ],
    ['a promise of a client', { redis: Promise.resolve({}) }, 'an ioredis client, got an object of Promise'],
    ['a client of another kind', { redis: new Map() }, 'an ioredis client, got an object of Map'],
    [
      'a url in an object',
      { redis: { url: 'redis://x' } },
      `RL_REDIS_INVALID: ioredis has no option "url"; pass the url itself, as in redis: 'redis://localhost:6379'`,
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
      "RL_OPTION_INVALID: policies must be an object, like { login: { limit: 5, window: '1m' } }, got []",
    ],
    [
      'a policy whose name is not its key',
      { policies: { p: { name: 'q', limit: 1, window: '1m' } } },
      'RL_OPTION_INVALID: policies.p: a policy\'s name in the catalogue is its key there, "p"; leave out name, got "q"',
    ],
    [
      'a window in words',
      { policies: { p: { limit: 1, window: '10 seconds' } } },
      `RL_WINDOW_INVALID: policies.p: window must be like '500ms', '10s', '15m', '2h' or '1d', a whole number of ms, or a calendar unit like 'day' or 'month Europe/Berlin', got "10 seconds"; did you mean '10s'?`,
    ],
    [
      'a window of more than a thousand years',
      { policies: { p: { limit: 1, window: '365001d' } } },
      `RL_WINDOW_INVALID: policies.p: window must be '365000d' at most, got "365001d"`,
    ],
    [
      'a window without its unit',
      { policies: { p: { limit: 1, window: 60 } } },
      "RL_WINDOW_INVALID: policies.p: window: 60 means 60 milliseconds; write '60s' for seconds, or '60ms' if milliseconds are meant",
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
      'RL_ALGORITHM_UNKNOWN: policies.p: algorithm must be one of fixed-window, sliding-window, sliding-log, token-bucket, gcra, concurrency, got "leaky"',
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
      'RL_COST_NEVER_PASSES: policies.p: p: a request of cost 3 can never pass (fixed-window, limit 2); lower the cost, or allow at least 3 at once',
    ],
    ['a negative cost', { policies: { p: { limit: 2, window: '1m', cost: -1 } } }, 'RL_COST_INVALID'],
    [
      'a key that is no function',
      { policies: { p: { limit: 2, window: '1m', key: 'ip' } } },
      'RL_OPTION_INVALID: policies.p: p: key must be a resolver such as byIp or byUser, or a function of the request, got "ip"',
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
      'RL_OPTION_INVALID: policies.p: p: limit must be a number if there is a resolve function, because it applies when resolve gives no answer, got a function',
    ],
    [
      'a policy that is looked up, without a limit of its own',
      { policies: { p: { window: '1m', resolve: () => ({}) } } },
      'RL_LIMIT_INVALID: policies.p: limit must be a whole number from 0 to 999999999999999, got undefined',
    ],
    [
      'a cost that passes only if the lookup says so',
      { policies: { p: { limit: 2, window: '1m', cost: 3, resolve: () => ({}) } } },
      'RL_COST_NEVER_PASSES: policies.p: p: a request of cost 3 can never pass (fixed-window, limit 2); lower the cost, or allow at least 3 at once',
    ],
    [
      'a cache of lookups without a key',
      { policies: { p: { limit: 2, window: '1m', resolve: () => ({}), resolveCache: { for: '30s' } } } },
      'RL_OPTION_INVALID: policies.p: p: resolveCache.by must be a resolver such as byIp or byUser, or a function of the request, got undefined',
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
      'RL_OPTION_INVALID: policies.p: p: resolveTimeout needs resolve, which is missing; add resolve, or remove resolveTimeout',
    ],
    [
      'an unknown default',
      { default: ['burts'] },
      'RL_UNKNOWN_POLICY: default: asks for the policy "burts", which is not defined; the catalogue is empty',
    ],
  ])('%s', async (_what, options, message) => {
    await expect(started(options)).rejects.toThrow(message);
  });
});

describe('a handler that counts failures under a policy that blocks and that others use without count', () => {
  const login = { limit: 5, window: '15m', blockFor: '15m' } as const;

  it('stops the start: calls that are still running could block', async () => {
    const controllers = [decorated(RateLimit({ name: 'login', count: 'failures' }))];
    await expect(boot('express', { policies: { login } }, { controllers })).rejects.toThrow(
      'RL_HOLD_INVALID: CatsController.find: login: a policy with blockFor whose definition has neither count nor settle ' +
        "needs a lease, as in lease: '30s'",
    );
  });

  it.each<[string, object, object]>([
    ['a lease', { lease: '30s' }, {}],
    ['count in the definition', { count: 'failures' }, {}],
    ['a quota of its own', {}, { per: 'handler' }],
  ])('starts with %s', async (_what, defined, used) => {
    const controllers = [decorated(RateLimit({ name: 'login', count: 'failures', ...used }))];
    await boot('express', { policies: { login: { ...login, ...defined } } }, { controllers });
  });
});

describe('a mistake at a handler names the handler too', () => {
  const policies = {
    login: { limit: 5, window: '15m' },
    daily: { limit: 9, window: '1d' },
    plan: { limit: 9, window: '1d', resolve: () => null },
    uploads: { algorithm: 'concurrency', limit: 2 },
  } as const;

  it.each<[string, MethodDecorator & ClassDecorator, string]>([
    [
      'an unknown policy',
      RateLimit('logn'),
      'RL_UNKNOWN_POLICY: CatsController.find: asks for the policy "logn", which is not defined; the catalogue has login, daily, plan, uploads.',
    ],
    [
      'an unknown policy skipped',
      SkipRateLimit('logn'),
      'RL_UNKNOWN_POLICY: CatsController.find: skips the policy "logn", which is not defined; the catalogue has login, daily, plan, uploads',
    ],
    [
      'a block without its unit',
      RateLimit({ name: 'login', blockFor: [60, 120] }),
      "RL_BLOCK_INVALID: CatsController.find: blockFor: 60 means 60 milliseconds; write '60s' for seconds",
    ],
    ...Object.entries({ byIp, byUser, byTenant, byApiKey }).map(
      ([name, resolver]): [string, MethodDecorator & ClassDecorator, string] => [
        `${name} called by mistake`,
        RateLimit({ name: 'login', key: (resolver as unknown as () => never)() }),
        `RL_OPTION_INVALID: CatsController.find: login: key: ${name} is a resolver already; write ${name}, not ${name}()`,
      ],
    ),
    [
      'no policy',
      RateLimit(),
      'RL_OPTION_INVALID: CatsController.find: a policy must be a name or an object, got undefined; ' +
        "write @RateLimit('name'), or @RateLimit({ limit: 10, window: '1m' })",
    ],
    [
      'names in a list',
      RateLimit(['login', 'daily'] as never),
      "RL_OPTION_INVALID: CatsController.find: a policy must be a name or an object, got a list; write the names one after another: @RateLimit('a', 'b')",
    ],
    [
      'an empty policy',
      RateLimit({} as never),
      "RL_OPTION_INVALID: CatsController.find: a policy needs limit and window, as in { limit: 10, window: '1m' }, or the name",
    ],
    [
      'a key as text',
      RateLimit({ name: 'login', key: 'user' as never }),
      'RL_OPTION_INVALID: CatsController.find: login: key must be a resolver such as byIp or byUser, or a function of the request, got "user"',
    ],
    [
      'a resolver that wants a header’s name',
      RateLimit({ name: 'login', key: byHeader as never }),
      "RL_OPTION_INVALID: CatsController.find: login: key is byHeader itself; call it, as in byHeader('x-tenant')",
    ],
    [
      'a combination of nothing',
      RateLimit({ limit: 1, window: '1m', resolve: () => null, resolveCache: { by: byAll as never, for: '1m' } }),
      'RL_OPTION_INVALID: CatsController.find: resolved: resolveCache.by is byAll itself; call it, as in byAll(byIp, byUser)',
    ],
    [
      'a second definition',
      RateLimit({ name: 'login', limit: 6, window: '15m' }),
      'RL_POLICY_CONFLICT: CatsController.find: the policy "login" is defined twice, with limit 5 and 6; ' +
        "leave the definition out to use the catalogue's, or add per: 'handler' to give this handler its own numbers and quota",
    ],
    [
      'a second definition with another lease',
      RateLimit({ name: 'uploads', algorithm: 'concurrency', limit: 2, lease: '10s' }),
      'RL_POLICY_CONFLICT: CatsController.find: the policy "uploads" is defined twice, with lease undefined and "10s";',
    ],
    [
      'a second definition that is looked up',
      RateLimit({ name: 'login', limit: 5, window: '15m', resolve: () => ({}) }),
      'RL_POLICY_CONFLICT: CatsController.find: the policy "login" is defined twice, with resolve undefined and a function;',
    ],
    [
      'two definitions on routes',
      RateLimit({ name: 'new', limit: 5, window: '1m', per: 'handler' }, { name: 'new', limit: 5, window: '1m' }),
      `RL_POLICY_CONFLICT: CatsController.find: the policy "new" is defined twice, with per "handler" and undefined; use another name than "new"`,
    ],
    [
      'a lookup for a policy of the catalogue',
      RateLimit({ name: 'login', limit: 6, resolve: () => ({}) }),
      'RL_POLICY_CONFLICT: CatsController.find: a route can neither add resolve to the policy "login" nor give it numbers',
    ],
    [
      'numbers for a policy that is looked up',
      RateLimit({ name: 'plan', limit: 6 }),
      'RL_POLICY_CONFLICT: CatsController.find: a route can neither add resolve to the policy "plan" nor give it numbers ' +
        'if it has resolve; use another name',
    ],
    [
      'a limit for a policy that nobody defines',
      RateLimit({ name: 'logn', limit: 6 }),
      'RL_UNKNOWN_POLICY: CatsController.find: asks for the policy "logn", which is not defined; the catalogue has login, daily, plan, uploads. ',
    ],
    [
      'a cost that can never pass under the numbers of a route',
      RateLimit({ name: 'daily', limit: 6, cost: 7 }),
      'RL_COST_NEVER_PASSES: CatsController.find: daily: a request of cost 7 can never pass (fixed-window, limit 6); lower the cost, or allow at least 7 at once',
    ],
    [
      'quotas per something else',
      RateLimit({ name: 'login', per: 'user' as never }),
      `RL_OPTION_INVALID: CatsController.find: login: per must be 'handler', got "user"; leave it out to share one quota`,
    ],
    [
      'a policy asked for twice',
      RateLimit('login', 'login'),
      'RL_POLICY_CONFLICT: CatsController.find: asks for the policy "login" twice',
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
      'RL_UNKNOWN_POLICY: CatsController.find: skips the policy undefined, which is not defined; the catalogue has login, daily, plan, uploads',
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

  it('a policy of concurrency with a name is defined on a route', async () => {
    const uploads = RateLimit({ name: 'uploads', algorithm: 'concurrency', limit: 2, lease: '30s' });
    await started({}, decorated(uploads));
    await started({ policies }, decorated(uploads));
  });

  it('a decorator where nothing would be limited', async () => {
    @Injectable()
    class CatsService {
      @RateLimit('login')
      find() {}
    }
    const controller = decorated(RateLimit('login'));
    await expect(started({ policies }, controller, [CatsService])).rejects.toThrow(
      'RL_NOT_A_ROUTE: CatsService.find has @RateLimit but is not an HTTP route, so nothing would be limited; call RateLimiter.consume() there instead',
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

describe('@RateLimit outside the methods of controllers', () => {
  const once = RateLimit({ limit: 1, window: '1h' });

  it('a controller that is a provider too is a controller', async () => {
    @Controller()
    @once
    class CatsController {
      @Get()
      find() {}
    }
    const { get } = await started({}, CatsController, [CatsController]);
    expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
  });

  @Injectable()
  class CatsService {
    @Get()
    @once
    find() {}
  }

  @Injectable()
  class CatsMiddleware implements NestMiddleware {
    @once
    use(_request: unknown, _response: unknown, next: () => void) {
      next();
    }
  }

  @Injectable()
  class CatsGuard implements CanActivate {
    @once
    canActivate() {
      return true;
    }
  }

  @Controller()
  @UseGuards(CatsGuard)
  class GuardedController {}

  @Controller()
  class SymbolController {
    @Get()
    @once
    [Symbol.for('find')]() {}
  }

  it.each<[string, { controllers?: Type[]; providers?: Type[]; prepare?: (nest: INestApplication) => void }, string]>([
    [
      'a route of a class that is not a controller',
      { providers: [CatsService] },
      'CatsService is not a controller of any',
    ],
    ['a guard', { controllers: [GuardedController] }, 'CatsGuard.canActivate has @RateLimit but is not an HTTP route'],
    ['a method whose name is a symbol', { controllers: [SymbolController] }, 'SymbolController.Symbol(find) has'],
  ])('%s', async (_what, application, message) => {
    await expect(boot('express', {}, application)).rejects.toThrow(
      new RegExp(`^RL_NOT_A_ROUTE: .*${escaped(message)}`),
    );
  });

  it('middleware', async () => {
    @Module({})
    class CatsModule implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(CatsMiddleware).forRoutes('*path');
      }
    }
    await expect(boot('express', {}, { imports: [CatsModule] })).rejects.toThrow('RL_NOT_A_ROUTE: CatsMiddleware.use');
  });

  class Cats {
    static all() {}
    get find() {
      return () => {};
    }
  }
  const getter = Object.getOwnPropertyDescriptor(Cats.prototype, 'find');

  it.each<[string, () => void, string]>([
    ['a property', () => once(Cats.prototype, 'name', undefined as never), 'Cats.name, which is not a method'],
    ['a getter', () => once(Cats.prototype, 'find', getter!), 'Cats.find, which is not a method'],
    ['a static method', () => once(Cats, 'all', undefined as never), 'Cats.all, which is a static method'],
    [
      'a standard decorator',
      () => once(Cats.all as never, { kind: 'method', name: 'all' } as never, undefined as never),
      '"experimentalDecorators": true in tsconfig.json',
    ],
  ])('%s is found when the class is made', (_what, decorate, message) => {
    expect(decorate).toThrow(new RegExp(`^RL_DECORATOR_INVALID: @RateLimit\\(\\) .*${escaped(message)}`));
  });

  it('a controller whose messages are not limited says so', async () => {
    @Controller()
    @once
    class HybridController {
      @Get()
      find() {}

      @MessagePattern('find')
      onMessage() {}
    }
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    await started({}, HybridController);
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^@RateLimit and default policies do not limit messages, .*: HybridController.onMessage\. /,
        ),
      ],
    ]);
    warn.mockRestore();
  });

  it('controllers that a mixin makes look alike', async () => {
    class Mixin {
      @Get()
      @once
      find() {}
    }
    const mixed = (path: string): Type => {
      @Controller(path)
      class Mixed {}
      Object.defineProperties(Mixed.prototype, Object.getOwnPropertyDescriptors(Mixin.prototype));
      return Mixed;
    };
    const { get } = await boot('express', {}, { controllers: [mixed('alone')] });
    expect([(await get('/alone')).status, (await get('/alone')).status]).toEqual([200, 429]);
    await expect(boot('express', {}, { controllers: [mixed('one'), mixed('other')] })).rejects.toThrow(
      'RL_HANDLER_UNKNOWN: Mixed.find and Mixed.find cannot be distinguished, because both classes have the constructor property of Mixin;',
    );
  });
});

const escaped = (text: string) => text.replace(/[()[\]{}.*+?^$|\\]/g, '\\$&');

describe('how the module is imported', () => {
  it('a second forRoot is an error', async () => {
    @Module({ imports: [RateLimitModule.forRoot({ policies: {} })] })
    class Feature {}
    await expect(boot('express', { prefix: 'other' }, { imports: [Feature] })).rejects.toThrow(
      'RL_IMPORTED_TWICE: RateLimitModule is imported more than once, by Root and Feature; import it only in the root module',
    );
  });

  it('guard in what a factory returns is an error that says where it belongs', async () => {
    const module = RateLimitModule.forRootAsync({ useFactory: () => ({ guard: false }) as object });
    await expect(boot('express', module, {})).rejects.toThrow(
      'RL_OPTION_UNKNOWN: put guard beside useFactory, not into the options that it returns',
    );
  });

  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [5, '5'],
    ['redis://:secret@x', 'text'],
    [[], 'a list of 0'],
    [new Map([['redis', 'x']]), 'an object of Map'],
    [Promise.resolve({}), 'an object of Promise'],
  ])('options that are none are an error, given or made: %#', async (options, kind) => {
    expect(() => RateLimitModule.forRoot(options as never)).toThrow(
      `RL_OPTION_INVALID: RateLimitModule.forRoot() takes an object of options, got ${kind}`,
    );
    // A promise in a promise is the same promise.
    if (options instanceof Promise) return;
    const module = RateLimitModule.forRootAsync({ useFactory: () => options as never });
    await expect(boot('express', module, {})).rejects.toThrow(
      `RL_OPTION_INVALID: the factory of forRootAsync() must return an object of options, got ${kind}`,
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      'no factory',
      () => RateLimitModule.forRootAsync({}),
      'RL_OPTION_INVALID: forRootAsync() needs useFactory, useClass or useExisting, got none',
    ],
    [
      'nothing at all',
      () => RateLimitModule.forRootAsync(undefined as never),
      'RL_OPTION_INVALID: forRootAsync() takes an object with useFactory, useClass or useExisting, got undefined',
    ],
    [
      'options in the place of their factory',
      () => RateLimitModule.forRootAsync({ useFactory: { policies: {} } as never }),
      'RL_OPTION_INVALID: useFactory must be a function that returns the options, got an object of Object',
    ],
    [
      'options beside their factory',
      () => RateLimitModule.forRootAsync({ useFactory: () => ({}), default: ['burst'] } as never),
      'RL_OPTION_UNKNOWN: put default into the options that useFactory returns, not beside it',
    ],
    [
      'what is no option of forRootAsync()',
      () => RateLimitModule.forRootAsync({ useFactory: () => ({}), global: true } as never),
      'RL_OPTION_UNKNOWN: RateLimitModule.forRootAsync() has no option "global"; did you mean isGlobal? It takes imports, inject,',
    ],
    [
      'guard as text',
      () => RateLimitModule.forRoot({ guard: 'false' as never }),
      'RL_OPTION_INVALID: guard must be true or false, got "false"; compare the text yourself',
    ],
    [
      'isGlobal as a number',
      () => RateLimitModule.forRootAsync({ useFactory: () => ({}), isGlobal: 0 as never }),
      'RL_OPTION_INVALID: isGlobal must be true or false, got 0',
    ],
  ])('%s is an error', (_what, make, message) => {
    expect(make).toThrow(message);
  });

  it('a class that makes no options is an error', async () => {
    for (const how of [{ useClass: Named }, { imports: [NamesModule], useExisting: 'names' }]) {
      await expect(boot('express', RateLimitModule.forRootAsync(how as never), {})).rejects.toThrow(
        /RL_OPTION_INVALID: useClass and useExisting need a class with createRateLimitOptions\(\), got (an object of Named|text)/,
      );
    }
  });

  it('a factory’s own failure is the start’s', async () => {
    const module = RateLimitModule.forRootAsync({ useFactory: () => Promise.reject(new Error('no vault')) });
    await expect(boot('express', module, {})).rejects.toThrow('no vault');
  });

  it('options that are made for each request are an error, which names the cause', async () => {
    for (const [module, cause] of [
      [RateLimitModule.forRootAsync({ inject: [REQUEST], useFactory: () => ({}) }), 'REQUEST'],
      [RateLimitModule.forRootAsync({ useClass: PerTenant }), 'PerTenant'],
      [RateLimitModule.forRootAsync({ imports: [TenantModule], useExisting: PerTenant }), 'PerTenant'],
      [
        RateLimitModule.forRootAsync({ imports: [TenantModule], inject: [Tenants], useFactory: () => ({}) }),
        'Tenants, which needs Tenant',
      ],
      [RateLimitModule.forRootAsync({ imports: [TenantModule], inject: [Durable], useFactory: () => ({}) }), 'Durable'],
    ] as const) {
      await expect(boot('express', module, {})).rejects.toThrow(
        `RL_OPTIONS_SCOPED: forRootAsync() injects ${cause}, which is request-scoped, but options are made once,`,
      );
    }
  });

  it('the module loaded lazily is an error where routes would stay without its guard', async () => {
    @Module({ imports: [RateLimitModule.forRoot({})] })
    class Feature {}
    class Root {}
    Module({ controllers: [decorated(SkipRateLimit())] })(Root);
    const nest = await NestFactory.create<NestExpressApplication>(Root, { logger: false, abortOnError: false });
    try {
      await nest.init();
      const lazy = nest.get(LazyModuleLoader);
      for (const load of [() => RateLimitModule.forRoot({}), () => Feature]) {
        await expect(lazy.load(load)).rejects.toThrow(
          'RL_IMPORTED_LATE: RateLimitModule is loaded lazily, after the routes were made, so its guard would run for none of them;',
        );
      }
      const policies = { jobs: { limit: 1, window: '1h' } } as const;
      const loaded = await lazy.load(() => RateLimitModule.forRoot({ policies, guard: false }));
      expect(await loaded.get(RateLimiter).consume('jobs', 'k')).toMatchObject({ allowed: true });
    } finally {
      await nest.close();
    }
  });

  it('an import without forRoot is an error', async () => {
    await expect(boot('express', { module: RateLimitModule }, {})).rejects.toThrow('RL_IMPORTED_BARE');
  });
});
