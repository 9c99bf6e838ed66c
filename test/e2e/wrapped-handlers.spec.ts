import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Controller, Get, Scope, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RouterExecutionContext } from '@nestjs/core/router/router-execution-context.js';
import { byUser, RateLimit, SkipRateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.switchToHttp().getRequest<{ user: object }>().user = { id: 1 };
    return true;
  }
}

@Controller()
@UseGuards(UserGuard)
class WrappedController {
  constructor() {
    this.bound = this.bound.bind(this);
  }

  @Get('early')
  @RateLimit({ limit: 1, window: '1h' })
  early() {}

  @Get('late')
  @RateLimit({ limit: 1, window: '1h', key: byUser })
  late() {}

  @Get('bound')
  @RateLimit({ limit: 1, window: '1h' })
  bound() {}

  @Get('skipped')
  @SkipRateLimit()
  skipped() {}
}

@Controller({ scope: Scope.REQUEST })
class PerRequestController {
  static readonly bound: WeakRef<() => void>[] = [];

  constructor() {
    this.find = this.find.bind(this);
    PerRequestController.bound.push(new WeakRef(this.find));
  }

  @Get('per-request')
  @RateLimit({ limit: 40, window: '1h' })
  find() {}
}

type Create = (instance: object, callback: (...args: unknown[]) => unknown, ...rest: unknown[]) => unknown;
const prototype = RouterExecutionContext.prototype as unknown as { create: Create };
const create = prototype.create;

afterEach(async () => {
  prototype.create = create;
  await closeApps();
});

/** What tracing does to Nest: every handler is called through a function of its own, with the metadata copied. */
function wrapHandlers(named: boolean): void {
  prototype.create = function (instance, callback, ...rest) {
    const wrapped = { [named ? callback.name : '']: (...args: unknown[]) => callback.apply(instance, args) };
    const [handler] = Object.values(wrapped) as [typeof callback];
    for (const key of Reflect.getMetadataKeys(callback) as string[]) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, callback), handler);
    }
    return create.call(this, instance, handler, ...rest);
  };
}

describe.each(adapters)('handlers that something wraps, on %s', (adapter) => {
  const options = { policies: { all: { limit: 2, window: '1h' } }, default: ['all'] } as const;

  it.each([
    ['under their names', true],
    ['under no name', false],
  ])('%s, are limited by their own plans', async (_how, named) => {
    wrapHandlers(named);
    const { get } = await boot(
      adapter,
      { ...options, default: [...options.default] },
      { controllers: [WrappedController] },
    );
    const status = async (path: string) => (await get(path)).status;
    for (let i = 0; i < 4; i++) expect(await status('/skipped')).toBe(200);
    expect([await status('/early'), await status('/early')]).toEqual([200, 429]);
  });

  it('late policies too', async () => {
    wrapHandlers(true);
    const { get } = await boot(adapter, {}, { controllers: [WrappedController] });
    expect([(await get('/late')).status, (await get('/late')).status]).toEqual([200, 429]);
  });

  it('and one that its constructor binds', async () => {
    const { get } = await boot(adapter, {}, { controllers: [WrappedController] });
    expect([(await get('/bound')).status, (await get('/bound')).status]).toEqual([200, 429]);
  });
});

it('a handler that is bound anew for each request is limited, and none of them is kept', async () => {
  const { get } = await boot('fastify', {}, { controllers: [PerRequestController] });
  PerRequestController.bound.length = 0;
  for (let i = 0; i < 50; i++) expect((await get('/per-request')).status).toBe(i < 40 ? 200 : 429);
  expect(PerRequestController.bound).toHaveLength(50);
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  // The last ones may still be on the stack, or in a connection that is kept.
  expect(PerRequestController.bound.filter((handler) => handler.deref()).length).toBeLessThan(10);
});
