import {
  Controller,
  Get,
  Inject,
  Logger,
  Module,
  UseGuards,
  type CanActivate,
  type INestApplication,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { jest } from '@jest/globals';
import {
  byUser,
  MemoryStore,
  RATE_LIMIT_STORE,
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  RateLimitModule,
  type RateLimitModuleExtras,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import { unlimited } from '../guide/unlimited.js';
import { adapters, boot, closeApps } from '../support/app.js';

const open: INestApplication[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
  for (const nest of open.splice(0)) await nest.close();
});

const policies = { one: { limit: 1, window: '1h' } } as const;

/** A handler for each phase, and one that is guarded by hand. */
@Controller()
class OneController {
  @Get('early')
  @RateLimit('one')
  early() {}

  @Get('late')
  @RateLimit({ name: 'one', key: byUser })
  late() {}

  @Get('by-hand')
  @UseGuards(RateLimitGuard)
  @RateLimit('one')
  byHand() {}
}

const PATHS = ['/early', '/late', '/by-hand'];

/** Each path twice: the second answers' statuses, and whether any answer had a field of ours. */
async function seconds(get: (path: string) => Promise<Response>): Promise<unknown[]> {
  const statuses = [];
  let hasFields = false;
  for (const path of PATHS) {
    const answers = [await get(path), await get(path)];
    statuses.push(answers[1]!.status);
    hasFields ||= answers.some(({ headers }) => headers.has('ratelimit'));
  }
  return [...statuses, hasFields];
}

const FREE = [200, 200, 200, false];
/** The second request of all is denied already: all three share one quota. */
const LIMITED = [429, 429, 429, true];

describe.each(adapters)('enabled: false, on %s', (adapter) => {
  // Nobody listens there.
  const listed = { one: { ...policies.one, deny: ['127.0.0.1'] } };
  const off = { enabled: false, policies: listed, redis: 'redis://127.0.0.1:1', deny: ['127.0.0.1'], prefix: 'off' };

  it.each([
    ['in the options', RateLimitModule.forRoot(off)],
    ['from a factory', RateLimitModule.forRootAsync({ useFactory: async () => off })],
    ['with guard: false', RateLimitModule.forRoot({ ...off, guard: false })],
  ])('%s limits nothing, opens no connection and says so once', async (_where, module) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const { nest, get } = await boot(adapter, module, { controllers: [OneController] });
    expect(await seconds(get)).toEqual(FREE);
    const limiter = nest.get(RateLimiter);
    for (let n = 0; n < 2; n++) {
      expect(await limiter.consume('one', 'ip:127.0.0.1')).toEqual({
        allowed: true,
        limit: 1,
        remaining: 1,
        resetAfter: 0,
        retryAfter: 0,
        by: 'open',
      });
    }
    await limiter.limits.set('one', { limit: 5 });
    expect(await limiter.peek('one', 'user:k')).toMatchObject({ allowed: true, limit: 5, remaining: 5 });
    expect(warn.mock.calls.map(([line]) => line)).toEqual([
      'Rate limits are off (enabled: false): every request passes, and no connection is opened.',
    ]);
  });
});

it('enabled: false leaves the limits in the OpenAPI document, which is often made without a Redis', async () => {
  const { nest } = await boot('express', { enabled: false, policies }, { controllers: [OneController] });
  documentRateLimits(nest);
  const answers = Reflect.getMetadata('swagger/apiResponse', OneController.prototype.early) as object;
  expect(Object.keys(answers)).toContain('429');
});

it('enabled: false does not hide a mistake', async () => {
  const started = (options: unknown) =>
    boot('express', options as RateLimitModuleOptions, { controllers: [OneController] });
  await expect(started({ enabled: false })).rejects.toThrow(
    'RL_UNKNOWN_POLICY: OneController.early: asks for the policy "one"',
  );
  await expect(started({ enabled: 'false', policies })).rejects.toThrow(
    `RL_OPTION_INVALID: enabled must be true or false, got "false"; compare the text yourself, as in enabled: text === 'true'`,
  );
});

describe('in tests of an application', () => {
  const pass: CanActivate = { canActivate: () => true };

  async function start(
    override: (builder: TestingModuleBuilder) => TestingModuleBuilder,
    options: RateLimitModuleOptions & RateLimitModuleExtras = {},
    more: { providers?: object[] } = {},
  ) {
    const limits = RateLimitModule.forRoot({ policies, ...options });
    const builder = Test.createTestingModule({ imports: [limits], controllers: [OneController], ...(more as object) });
    const nest = (await override(builder).compile()).createNestApplication({ logger: false });
    open.push(nest);
    await nest.listen(0, '127.0.0.1');
    const url = await nest.getUrl();
    return { nest, get: (path: string) => fetch(url + path) };
  }

  class Passing implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }

  it('nothing is different as long as nothing is overridden', async () => {
    expect(await seconds((await start((builder) => builder)).get)).toEqual(LIMITED);
  });

  it.each<[string, (builder: TestingModuleBuilder) => TestingModuleBuilder]>([
    ['overrideGuard().useValue()', (builder) => builder.overrideGuard(RateLimitGuard).useValue(pass)],
    ['overrideGuard().useClass()', (builder) => builder.overrideGuard(RateLimitGuard).useClass(Passing)],
    [
      'overrideGuard().useFactory()',
      (builder) => builder.overrideGuard(RateLimitGuard).useFactory({ factory: () => pass }),
    ],
  ])('%s replaces the guard before and after the others', async (_way, override) => {
    expect(await seconds((await start(override)).get)).toEqual(FREE);
  });

  it.each<[string, (builder: TestingModuleBuilder) => TestingModuleBuilder]>([
    ['useValue()', (builder) => builder.overrideProvider(RateLimitGuard).useValue(pass)],
    ['useClass()', (builder) => builder.overrideProvider(RateLimitGuard).useClass(Passing)],
    ['useFactory()', (builder) => builder.overrideProvider(RateLimitGuard).useFactory({ factory: () => pass })],
  ])('overrideProvider().%s replaces both that the module binds', async (_way, override) => {
    const { get } = await start(override);
    for (let n = 0; n < 2; n++) {
      expect((await get('/early')).status).toBe(200);
      expect((await get('/late')).status).toBe(200);
    }
  });

  it('a guard in its place is asked once for each request, and may refuse', async () => {
    const canActivate = jest.fn<() => boolean>().mockReturnValue(false);
    const { get } = await start((builder) => builder.overrideGuard(RateLimitGuard).useValue({ canActivate }));
    expect((await get('/early')).status).toBe(403);
    expect((await get('/late')).status).toBe(403);
    expect(canActivate).toHaveBeenCalledTimes(2);
  });

  it('overrideProvider() reaches a guard that APP_GUARD uses', async () => {
    const providers = [{ provide: APP_GUARD, useExisting: RateLimitGuard }];
    const { get } = await start(
      (builder) => builder.overrideProvider(RateLimitGuard).useValue(pass),
      { guard: false },
      { providers },
    );
    for (let n = 0; n < 2; n++) expect((await get('/early')).status).toBe(200);
  });

  it('a store in the place of RATE_LIMIT_STORE is RateLimiter’s too', async () => {
    const { nest, get } = await start((builder) => builder.overrideProvider(RATE_LIMIT_STORE).useValue(unlimited));
    expect((await seconds(get)).slice(0, 3)).toEqual([200, 200, 200]);
    const limiter = nest.get(RateLimiter);
    for (let n = 0; n < 2; n++) expect(await limiter.consume('one', 'k')).toMatchObject({ allowed: true });

    const store = new MemoryStore();
    const own = await start((builder) => builder.overrideProvider(RATE_LIMIT_STORE).useValue(store));
    await own.nest.get(RateLimiter).consume('one', 'ip:127.0.0.1');
    expect((await own.get('/early')).status).toBe(429);
  });

  it('something in the place of RateLimiter is injected, and routes are limited as before', async () => {
    const consume = jest.fn<() => Promise<unknown>>().mockResolvedValue({ allowed: true });
    class Mailer {
      constructor(readonly limiter: RateLimiter) {}
    }
    Inject(RateLimiter)(Mailer, undefined, 0);
    const { nest, get } = await start(
      (builder) => builder.overrideProvider(RateLimiter).useValue({ consume }),
      {},
      { providers: [Mailer] },
    );
    await nest.get(Mailer).limiter.consume('one', 'k');
    expect(consume).toHaveBeenCalledWith('one', 'k');
    expect(await seconds(get)).toEqual(LIMITED);
  });

  it('overrideModule() takes the module of forRoot() by the object that is imported', async () => {
    const limits = RateLimitModule.forRoot({ policies });
    @Module({ imports: [limits], controllers: [OneController] })
    class AppModule {}
    const builder = Test.createTestingModule({ imports: [AppModule] });
    // Nest's types know classes only.
    builder.overrideModule(limits as never).useModule(RateLimitModule.forRoot({ policies, enabled: false }) as never);
    const nest = (await builder.compile()).createNestApplication({ logger: false });
    open.push(nest);
    await nest.listen(0, '127.0.0.1');
    const url = await nest.getUrl();
    expect(await seconds((path) => fetch(url + path))).toEqual(FREE);
  });
});
