import { Controller, Get, Injectable, Module, Scope, UseGuards, type DynamicModule } from '@nestjs/common';
import { createLimiter } from 'nestjs-redis-rate-limit/engine';
import {
  byAll,
  byIp,
  byUser,
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  RateLimitModule,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';

// The options made in ways that applications have: each limits, as the plain way does.

afterEach(closeApps);

@Controller()
class OneController {
  @Get()
  @RateLimit('one')
  one() {}
}

const options = { policies: { one: { limit: 1, window: '1h' } } } as const satisfies RateLimitModuleOptions;

/** With own fields and with getters, as configuration classes have them. */
class WithGetters {
  readonly headers = 'ietf';

  get policies() {
    return options.policies;
  }
}

class OnlyGetters {
  get policies() {
    return options.policies;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Transient {
  createRateLimitOptions = () => options;
}

@Module({ providers: [Transient], exports: [Transient] })
class TransientModule {}

/** As a constant is the usual way to keep '1s' from becoming a string: everything in it is read-only. */
const constant = {
  policies: {
    one: { limit: 1, window: '1h', allow: ['10.0.0.0/8'], deny: { list: ['192.0.2.1'], status: 429 } },
    two: { limit: 9, window: '1m', blockFor: { spans: ['1m', '1h'] }, key: byAll(byIp, byUser), burst: undefined },
    three: { limit: 9, window: '1m', resolve: () => ({}), resolveCache: { by: byIp, for: '1m' }, blockFor: ['1m'] },
  },
  default: ['two', { name: 'three', cost: 2 }, { limit: 99, window: '1h' }],
  allow: [{ key: 'gold' }],
  deny: ['192.0.2.2', { apiKey: 'leaked' }],
  keys: { ipv6Prefix: 56 },
  headers: 'ietf',
  denialCache: '1s',
} as const;
const decorated = { name: 'one', deny: ['192.0.2.3'], cost: 1 } as const;
const cluster = { nodes: [{ host: 'a', port: 1 }, 'redis://b'], options: { scaleReads: 'master' } } as const;
const ofClass = {
  createRateLimitOptions: () => ({ ...constant, redis: cluster }),
} satisfies { createRateLimitOptions(): RateLimitModuleOptions };

it('options as a constant are of the right type, also for a limiter without Nest', async () => {
  @Controller()
  class ConstantController {
    @Get()
    @RateLimit(decorated)
    one() {}
  }
  const { get } = await boot('express', RateLimitModule.forRoot(constant), { controllers: [ConstantController] });
  expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
  expect(ofClass.createRateLimitOptions().redis.nodes).toHaveLength(2);

  const limiting = { policies: { one: { limit: 1, window: '1h', deny: ['user:k'], blockFor: ['1m', '2m'] } } } as const;
  const limiter = await createLimiter(limiting);
  const spendings = [{ policy: 'one', key: 'j' }] as const;
  expect(await limiter.consume(spendings)).toMatchObject([{ allowed: true }]);
  await limiter.close();
});

/** What `registerAs()` of @nestjs/config 4 returns, with its types. */
function registerAs<F extends () => object>(token: string, factory: F) {
  const provide: string | symbol = `CONFIGURATION(${token})`;
  // As ConfigModule.forFeature() does.
  class ConfigModule {}
  const feature = async (): Promise<DynamicModule> => ({
    module: ConfigModule,
    providers: [{ provide, useFactory: factory }],
    exports: [provide],
  });
  return Object.assign(factory, {
    KEY: provide,
    asProvider: (): {
      imports: [Promise<DynamicModule>];
      useFactory: (config: ReturnType<F>) => ReturnType<F>;
      inject: [string | symbol];
    } => ({ imports: [feature()], useFactory: (config) => config, inject: [provide] }),
  });
}

const limitsConfig = registerAs('limits', (): RateLimitModuleOptions => options);
const constantConfig = registerAs('constant', async () => constant);

class Extended extends RateLimitModule {}

const bare = Object.assign(Object.create(null) as object, options);

it.each<[string, DynamicModule]>([
  ['frozen', RateLimitModule.forRoot(Object.freeze({ ...options }))],
  ['without a prototype', RateLimitModule.forRoot(bare)],
  ['an object of a class', RateLimitModule.forRoot(new WithGetters())],
  ['an object of a class that has getters alone', RateLimitModule.forRoot(new OnlyGetters())],
  ['an object of a class, made', RateLimitModule.forRootAsync({ useFactory: () => new OnlyGetters() })],
  ['without a prototype, made', RateLimitModule.forRootAsync({ useFactory: () => bare })],
  ['of a class that is transient', RateLimitModule.forRootAsync({ useClass: Transient })],
  [
    'of something transient that is there',
    RateLimitModule.forRootAsync({ imports: [TransientModule], useExisting: Transient }),
  ],
  ['a namespace of @nestjs/config', RateLimitModule.forRootAsync({ ...limitsConfig.asProvider(), isGlobal: true })],
  ['one that is async and a constant', RateLimitModule.forRootAsync(constantConfig.asProvider())],
  [
    'from the providers of another module',
    RateLimitModule.forRootAsync({
      provideInjectionTokensFrom: [{ provide: 'LIMITS', useValue: options }],
      inject: ['LIMITS'],
      useFactory: (given: typeof options) => given,
    }),
  ],
  ['given to a class that extends the module', Extended.forRoot(options)],
  ['with wiring that is not given', RateLimitModule.forRoot({ ...options, guard: undefined, isGlobal: undefined })],
  ['with limits that are explicitly on', RateLimitModule.forRoot({ ...options, enabled: true })],
])('options that are %s', async (_way, module) => {
  const { get } = await boot('express', module, { controllers: [OneController] });
  expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
});

it('a module that is not the root one may import it, for all', async () => {
  const limits = RateLimitModule.forRoot(options);
  @Module({ imports: [limits], exports: [limits] })
  class Feature {}
  @Module({ imports: [Feature, limits] })
  class Other {}
  // The same object in two places is one module.
  const { get } = await boot('express', limits, { controllers: [OneController], imports: [Other] });
  expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
});

it('isGlobal: false limits every handler, and is injected where it is imported', async () => {
  @Injectable()
  class Mailer {
    constructor(readonly limiter: RateLimiter) {}
  }
  @Module({ providers: [Mailer] })
  class Stranger {}
  const module = RateLimitModule.forRoot({ ...options, isGlobal: false });
  const { nest, get } = await boot('express', module, { controllers: [OneController], providers: [Mailer] });
  expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
  expect(nest.get(Mailer).limiter).toBeInstanceOf(RateLimiter);
  await expect(boot('express', module, { imports: [Stranger] })).rejects.toThrow(/RateLimiter/);

  @Controller('hand')
  @UseGuards(RateLimitGuard)
  class HandController {
    @Get()
    one() {}
  }
  @Module({ controllers: [HandController] })
  class Elsewhere {}
  await expect(boot('express', module, { imports: [Elsewhere] })).rejects.toThrow(/RateLimitGuard/);
});

it.each<[string, unknown, string]>([
  ['a limit', { policies: { one: { limit: '1', window: '1h' } } }, 'RL_LIMIT_INVALID: policies.one: limit must be'],
  ['a timeout', { ...options, timeout: '250' }, 'RL_TIMEOUT_INVALID: timeout must be'],
  ['the number of instances', { ...options, instances: '3' }, 'RL_INSTANCES_INVALID'],
  ['false', { ...options, denialCache: 'false' }, 'RL_DENIAL_CACHE_INVALID'],
  ['the prefix of addresses', { ...options, keys: { ipv6Prefix: '64' } }, 'RL_KEYS_INVALID'],
  [
    'a list of names',
    { ...options, default: 'one' },
    `RL_OPTION_INVALID: default must be a list of policies, like ['burst'], got "one"`,
  ],
])('%s as text, as from JSON or the environment, is an error', async (_what, given, message) => {
  await expect(boot('express', given as RateLimitModuleOptions, {})).rejects.toThrow(message);
});
