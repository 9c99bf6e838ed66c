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
      'Rate limits: 3 handlers limited, 1 without a limit.',
      'burst: 20 per 1s, token-bucket, burst 20; key byIp; before your guards; 3 handlers',
      'login: 5 per 15m, fixed-window, blocks for 1m, then 1h, cost 2; key byFirst(byUser, byApiKey); after your guards; 1 handler',
      'unnamed, a quota for each handler: 3 per 1m, fixed-window; key byTenant; after your guards; 2 handlers',
      'unnamed, a quota for each handler: by your limit function, per 1m, fixed-window, unless your skip function says so; your key function; before your guards, or after them if it reads request.user; 1 handler',
      "unnamed, a quota for each handler: by your resolve function, else 9 per 1d, fixed-window; key byAll(byIp, byHeader('x-shop'), your function); before your guards, or after them if it reads request.user; 1 handler",
      'jobs: 100 per 1h, fixed-window; used by no handler, only by code',
      'Before and after your guards: CatsController.logIn, CatsController.many. A request costs two commands, and each of them charges all of its policies or none.',
      'Allowed, without limits: 1 entry.',
      'Denied, with 429: 2 entries.',
      `Quotas are kept by Redis at ${new URL(url).host}, with the prefix "summary".`,
    ]);
    expect(summary).not.toContain('hush');
    expect(warnings).toEqual([]);
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
      `No handler has a limit: policies defines burst, login, jobs, but neither default nor @RateLimit uses them. Add a name to default, or @RateLimit('…') to handlers.`,
    ]);
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
          'AskingController.a, AskingController.b; leave guard out, or bind it with @UseGuards(RateLimitGuard)',
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
    expect(summary).toMatch(/^Rate limits: 1 handler limited, 2 without a limit\.\n/);
  });

  it('needs no guard where nothing is limited, or no requests come', async () => {
    const { warnings } = await logged({ guard: false }, { controllers: [PlainController] });
    expect(warnings).toEqual([]);
    @Module({ imports: [RateLimitModule.forRoot(options)], controllers: [AskingController] })
    class Root {}
    await (await NestFactory.createApplicationContext(Root, { logger: false })).close();
  });
});
