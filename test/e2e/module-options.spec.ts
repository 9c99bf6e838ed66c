import { Controller, Get, Injectable, Module, Scope, UseGuards, type DynamicModule } from '@nestjs/common';
import {
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

/** As `registerAs()` of @nestjs/config makes it. */
const asProvider = () => ({
  imports: [
    {
      module: class ConfigModule {},
      providers: [{ provide: 'CONFIGURATION(limits)', useValue: options }],
      exports: ['CONFIGURATION(limits)'],
    },
  ] as [DynamicModule],
  useFactory: (config: typeof options) => config,
  inject: ['CONFIGURATION(limits)'] as [string],
});

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
  ['a namespace of @nestjs/config', RateLimitModule.forRootAsync(asProvider())],
  [
    'from the providers of another module',
    RateLimitModule.forRootAsync({
      provideInjectionTokensFrom: [{ provide: 'LIMITS', useValue: options }],
      inject: ['LIMITS'],
      useFactory: (given: typeof options) => given,
    }),
  ],
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
    'RL_OPTION_INVALID: default must be a list of policies, got "one"',
  ],
])('%s as text, as from JSON or the environment, is an error', async (_what, given, message) => {
  await expect(boot('express', given as RateLimitModuleOptions, {})).rejects.toThrow(message);
});
