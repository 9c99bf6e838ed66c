import { Controller, Get, Injectable, Logger, Module, UseGuards, type CanActivate } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { jest } from '@jest/globals';
import {
  byAll,
  byApiKey,
  byFirst,
  byHeader,
  byIp,
  byTenant,
  byUser,
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  RateLimitModule,
  SkipRateLimit,
  type RateLimitModuleExtras,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { boot, closeApps, type BootOptions } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis, startRedis } from '../support/redis/servers.js';

type Options = RateLimitModuleOptions & RateLimitModuleExtras;

/** What is logged of limits while an application starts. */
async function logged(options: Options, more: BootOptions): Promise<{ summary: string; warnings: string[] }> {
  const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  [log, warn].forEach((spy) => spy.mockClear());
  await boot('fastify', options, more);
  const linesOf = (calls: unknown[][]): string[] => calls.map(([line]) => String(line));
  const entries = linesOf(log.mock.calls).filter((line) => /quota|limited/i.test(line));
  expect(entries).toHaveLength(1);
  return { summary: entries[0]!, warnings: linesOf(warn.mock.calls) };
}

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

const policies = {
  burst: { limit: 20, window: '1s', algorithm: 'token-bucket' },
  login: { limit: 5, window: '15m', key: byFirst(byUser, byApiKey), blockFor: ['1m', '1h'], cost: 2 },
  jobs: { limit: 100, window: '1h' },
} as const satisfies RateLimitModuleOptions['policies'];

@Controller()
class CatsController {
  @Get('plain')
  plain() {}

  @Get('log-in')
  @RateLimit('login', { limit: 3, window: '1m', key: byTenant })
  logIn() {}

  @Get('many')
  @RateLimit(
    { limit: 3, window: '1m', key: byTenant },
    { limit: () => 1, window: '1m', key: () => 'k', skip: () => false },
    { limit: 9, window: '1d', resolve: () => ({}), key: byAll(byIp, byHeader('X-Shop'), perPlan) },
  )
  many() {}

  @Get('free')
  @SkipRateLimit()
  free() {}
}

@Controller()
class PlainController {
  @Get()
  find() {}
}

function perPlan() {
  return 'gold';
}

@Controller()
@SkipRateLimit()
class SkippingController {
  @Get()
  find() {}
}

describe('the summary of an application’s limits', () => {
  it('says every policy, its numbers, key, phase and handlers, the lists, and where quotas are kept', async () => {
    const { url } = sharedRedis();
    const options: Options = {
      redis: url.replace('redis://', 'redis://default:hush@'),
      prefix: 'summary',
      policies,
      default: ['burst'],
      allow: ['10.0.0.0/8'],
      deny: { list: ['192.0.2.1', { apiKey: 'hush' }], status: 429 },
    };
    const { summary, warnings } = await logged(options, { controllers: [CatsController] });
    expect(summary.split('\n  ')).toEqual([
      'Rate limits: 3 handlers limited, 1 without a limit: CatsController.free.',
      'burst: 20 per 1s, token-bucket, burst 20; key byIp; before your guards; 3 handlers',
      'login: 5 per 15m, fixed-window, blocks for 1m, then 1h, cost 2; key byFirst(byUser, byApiKey); after your guards; 1 handler',
      'CatsController.logIn, CatsController.many ("3-per-1m"): 3 per 1m, fixed-window; key byTenant; after your guards; 2 handlers, a quota for each',
      'CatsController.many ("per-1m"): by your limit function, per 1m, fixed-window, unless your skip function says so; your key function; before your guards, or after them if it reads request.user; 1 handler',
      `CatsController.many ("resolved"): by your resolve function, else 9 per 1d, fixed-window; key byAll(byIp, byHeader('x-shop'), your function); before your guards, or after them if it reads request.user; 1 handler`,
      'jobs: 100 per 1h, fixed-window; used by no handler, only by code',
      'Before and after your guards: CatsController.logIn, CatsController.many. A request costs up to two commands. Each phase is charged as a whole.',
      'Allowed, without limits: 1 entry.',
      'Denied, with 429: 2 entries.',
      `Quotas are kept by Redis at ${new URL(url).host}, with the prefix "summary".`,
    ]);
    expect(summary).not.toContain('hush');
    expect(warnings).toEqual([]);
  });

  it('says what is in shadow, and warns where the whole module is', async () => {
    const shadowed = { ...policies, burst: { ...policies.burst, mode: 'enforce' } } as Options['policies'];
    const options: Options = { mode: 'shadow', policies: shadowed, default: ['burst'], deny: ['192.0.2.1'] };
    const { summary, warnings } = await logged(options, { controllers: [CatsController] });
    const lines = summary.split('\n  ');
    expect(lines).toContain('burst: 20 per 1s, token-bucket, burst 20; key byIp; before your guards; 3 handlers');
    expect(lines).toContain(
      'jobs: 100 per 1h, fixed-window, in shadow: reports and denies nothing; used by no handler, only by code',
    );
    expect(lines).toContain('In shadow, not denied with 403: 1 entry.');
    expect(warnings).toEqual([
      "Rate limits are in shadow (mode: 'shadow'): policies without a mode of their own only report, and deny nobody.",
    ]);
  });

  it('says which handlers have numbers of their own, and what holds where it is not the default', async () => {
    @Controller()
    class OwnController {
      @Get('a')
      @RateLimit({ name: 'login', limit: 9 })
      a() {}

      @Get('b')
      @RateLimit('shut', { name: 'mine', limit: 5, window: '1m', key: byUser, deny: ['192.0.2.7'] })
      b() {}

      @Get('c')
      @RateLimit('open')
      c() {}
    }
    const { summary } = await logged(
      {
        // Nothing listens there.
        redis: 'redis://127.0.0.1:1',
        instances: 4,
        onStoreFailure: 'closed',
        policies: {
          login: { limit: 2, window: '15m' },
          shut: { limit: 0, window: '1s' },
          open: { limit: 3, window: '1s', onStoreFailure: 'local' },
        },
        deny: ['user:42', 'user:43', 'user:44', 'user:45'],
      },
      { controllers: [OwnController] },
    );
    expect(summary.split('\n  ')).toEqual([
      'Rate limits: 3 handlers limited, 0 without a limit.',
      'login on OwnController.a: 9 per 15m, fixed-window, onStoreFailure closed; key byIp; before your guards; 1 handler',
      'shut: 0 per 1s: denies every request, onStoreFailure closed; key byIp; before your guards; 1 handler',
      'mine: 5 per 1m, fixed-window, onStoreFailure closed, with a deny list of its own; key byUser; after your guards; 1 handler',
      'open: 3 per 1s, fixed-window; key byIp; before your guards; 1 handler',
      'login: 2 per 15m, fixed-window, onStoreFailure closed; used by no handler, only by code',
      'Before and after your guards: OwnController.b. A request costs up to two commands. Each phase is charged as a whole.',
      'Denied, with 403: 4 entries. user:42 is refused by 1 of 3 handlers only. user:43 is refused by 1 of 3 handlers only. user:44 is refused by 1 of 3 handlers only. …',
      'Quotas are kept by Redis at 127.0.0.1:1, with the prefix "rl". It is not reached yet: limited requests are answered with 503, unless the policy says something else.',
      'While Redis gives no answer, each instance admits 1/4 of a quota (instances: 4).',
    ]);
  });

  it('is short where there are many policies', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`p${i}`, { limit: 1, window: '1m' } as const]),
    );
    const { summary } = await logged({ policies: many, default: ['p7'] }, { controllers: [PlainController] });
    const lines = summary.split('\n');
    expect(lines).toHaveLength(33);
    expect(lines[1]).toMatch(/^ {2}p7: /);
    expect(lines[31]).toBe('  … and 170 more');
  });

  it('is there without a server too, and quiet with logger: false', async () => {
    @Module({ imports: [RateLimitModule.forRoot({ policies })] })
    class Root {}
    const lines: unknown[] = [];
    const keep = (line: unknown): void => void lines.push(line);
    const logger = { log: keep, warn: keep, error: keep };
    await (await NestFactory.createApplicationContext(Root, { logger })).close();
    expect(lines).toContainEqual(expect.stringContaining('jobs: 100 per 1h, fixed-window; used by no handler'));

    const written = [process.stdout, process.stderr].map((to) => jest.spyOn(to, 'write').mockReturnValue(true));
    await (await NestFactory.createApplicationContext(Root, { logger: false })).close();
    expect(written.flatMap(({ mock }) => mock.calls)).toEqual([]);
  });
});

describe('policies that nothing asks for', () => {
  it('are warned of where no handler has a limit', async () => {
    const { warnings } = await logged({ policies }, { controllers: [PlainController] });
    expect(warnings).toEqual([
      `No handler has a limit: policies has burst, login, jobs, but neither default nor a @RateLimit asks for any of them. Add a name to default, or @RateLimit('burst') to handlers.`,
    ]);
  });

  it('are none where the options have none, or every handler skips them: that is said too', async () => {
    const none = await logged({}, { controllers: [PlainController] });
    expect(none.warnings).toEqual([
      "No handler has a limit: there are no policies. Add some to RateLimitModule.forRoot() and their names to default, or @RateLimit({ limit: 10, window: '1m' }) to handlers.",
    ]);
    const skipped = await logged({ policies, default: ['burst'] }, { controllers: [SkippingController] });
    expect(skipped.warnings).toEqual([
      'No handler has a limit: each of them skips every policy that is asked for. Remove @SkipRateLimit from the handlers that are to have a limit.',
    ]);
    const lists = await logged({ deny: ['192.0.2.1'] }, { controllers: [PlainController] });
    expect(lists.warnings).toEqual([]);
  });

  it('are not where code may use them', async () => {
    @Injectable()
    class Mailer {
      constructor(readonly limiter: RateLimiter) {}
    }
    const { warnings } = await logged({ policies }, { controllers: [PlainController], providers: [Mailer] });
    expect(warnings).toEqual([]);
  });
});

describe('a policy that counts by the user, and says that it runs early', () => {
  it('is warned of: no guard has set the user by then', async () => {
    @Controller()
    class EarlyController {
      @Get()
      @RateLimit({ name: 'login', phase: 'early' }, { limit: 3, window: '1m', key: byIp, phase: 'early' })
      find() {}
    }
    const { warnings } = await logged({ policies }, { controllers: [EarlyController] });
    expect(warnings).toEqual([
      'request.user is not set yet where these policies run, so they count by the address: ' +
        'EarlyController.find (policy "login", key byFirst(byUser, byApiKey)). ' +
        "They say phase: 'early', which is before your guards. Leave phase out, unless middleware sets request.user.",
    ]);
  });
});

describe('guard: false', () => {
  @Injectable()
  class Other implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }
  class Stricter extends RateLimitGuard {}

  @Controller()
  class AskingController {
    @Get('a')
    @RateLimit('burst')
    a() {}

    @Get('b')
    @RateLimit('burst')
    b() {}
  }

  @Controller('half')
  class HalfController {
    @Get('a')
    @UseGuards(RateLimitGuard)
    @RateLimit('burst')
    a() {}

    @Get('b')
    @RateLimit('login')
    b() {}

    @Get('c')
    c() {}
  }

  const options: Options = { policies, guard: false };
  it('is an error where no guard could be ours, and leaves no connection open', async () => {
    const server = await startRedis();
    const admin = connectTo(server.url);
    try {
      const redis = server.url;
      await expect(boot('express', { ...options, redis }, { controllers: [AskingController] })).rejects.toThrow(
        'RL_NOT_GUARDED: guard is false and RateLimitGuard is not bound anywhere, so these handlers are not limited: ' +
          'AskingController.a, AskingController.b; leave guard out, or bind it with @UseGuards(RateLimitGuard); ' +
          'to switch limits off, say enabled: false',
      );
      expect(
        String(await admin.client('LIST'))
          .trim()
          .split('\n'),
      ).toHaveLength(1);
    } finally {
      closeClients();
      await server.stop();
    }
    await expect(
      boot('express', { policies, default: ['burst'], guard: false }, { controllers: [PlainController] }),
    ).rejects.toThrow('so these handlers are not limited: PlainController.find;');
  });

  it('is so for a deny list too, which is for every handler', async () => {
    const deny = ['192.0.2.1'];
    await expect(boot('express', { deny, guard: false }, { controllers: [PlainController] })).rejects.toThrow(
      'RL_NOT_GUARDED: guard is false and RateLimitGuard is bound nowhere, so the deny list refuses nobody; leave guard out',
    );
    const { warnings } = await logged({ policies, deny, guard: false }, { controllers: [HalfController] });
    expect(warnings.slice(1)).toEqual([
      expect.stringMatching(/^The deny list refuses nobody at HalfController\.b, HalfController\.c: guard is false/),
    ]);
  });

  it.each<[string, BootOptions]>([
    ['APP_GUARD with a class', { providers: [{ provide: APP_GUARD, useClass: RateLimitGuard }] }],
    ['APP_GUARD with one that extends it', { providers: [{ provide: APP_GUARD, useClass: Stricter }] }],
    ['APP_GUARD with the module’s', { providers: [{ provide: APP_GUARD, useExisting: RateLimitGuard }] }],
    [
      'APP_GUARD with a factory',
      {
        providers: [
          { provide: APP_GUARD, inject: [RateLimitGuard], useFactory: (guard: RateLimitGuard): CanActivate => guard },
        ],
      },
    ],
    ['useGlobalGuards()', { prepare: (nest) => nest.useGlobalGuards(nest.get(RateLimitGuard)) }],
  ])('is right with %s', async (_how, more) => {
    const { summary, warnings } = await logged(options, { controllers: [AskingController], ...more });
    expect(warnings).toEqual([]);
    expect(summary).toContain('Rate limits: 2 handlers limited, 0 without a limit.');
    expect(summary).toContain('burst 20; key byIp; where you bind RateLimitGuard; 2 handlers');
  });

  it('is warned of once where another guard may call ours', async () => {
    const providers = [{ provide: APP_GUARD, useClass: Other }];
    const { warnings } = await logged(options, { controllers: [AskingController], providers });
    expect(warnings).toEqual([
      'guard is false and RateLimitGuard is not bound to AskingController.a, AskingController.b: their limits are not enforced, unless another guard calls it. Leave guard out, or bind it with @UseGuards(RateLimitGuard).',
    ]);
  });

  it('is warned of once where some handlers that ask for limits are left out; those of a default may be', async () => {
    const { summary, warnings } = await logged({ ...options, default: ['jobs'] }, { controllers: [HalfController] });
    expect(warnings).toEqual([
      expect.stringMatching(/^guard is false and RateLimitGuard is not bound to HalfController\.b: /),
    ]);
    expect(summary).toMatch(
      /^Rate limits: 1 handler limited, 2 without a limit: HalfController\.b, HalfController\.c\.\n/,
    );
  });

  it('is warned of where a guard after ours may set the user that policies count by', async () => {
    @Controller()
    @UseGuards(RateLimitGuard)
    class UsersController {
      @Get('a')
      @UseGuards(Other)
      @RateLimit({ name: 'mine', limit: 3, window: '1m', key: byUser }, { name: 'burst' })
      a() {}

      @Get('b')
      @UseGuards(Other, RateLimitGuard)
      @RateLimit('burst')
      b() {}
    }
    @Controller('right')
    class RightController {
      @Get('c')
      @UseGuards(Other, RateLimitGuard)
      @RateLimit('mine')
      c() {}
    }
    const { warnings } = await logged(options, { controllers: [UsersController, RightController] });
    expect(warnings).toEqual([
      'RateLimitGuard runs before other guards, so these policies do not see a user that those set, and count by the address: ' +
        'UsersController.a (policy "mine", key byUser). Bind it last, as in @UseGuards(AuthGuard, RateLimitGuard).',
    ]);
  });

  it('needs no guard where nothing is limited, or no requests come', async () => {
    await boot('express', { guard: false }, { controllers: [PlainController] });
    @Module({ imports: [RateLimitModule.forRoot(options)], controllers: [AskingController] })
    class Root {}
    await (await NestFactory.createApplicationContext(Root, { logger: false })).close();
  });
});
