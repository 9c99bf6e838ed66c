import {
  Controller,
  Get,
  Post,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { byUser, RateLimit, SkipRateLimit } from 'nestjs-redis-rate-limit';
import { jest } from '@jest/globals';
import { boot, closeApps } from '../support/app.js';

afterEach(closeApps);

const once = { limit: 1, window: '1h' } as const;
const isDefault = { policies: { two: { limit: 2, window: '1h' } }, default: ['two'] };

/** What the application answers to some requests, one after the other. */
async function statuses(
  controller: Type,
  path: string,
  count: number,
  prepare?: (instance: never) => void,
  options = {},
) {
  const { get } = await boot('express', options, {
    controllers: [controller],
    prepare: (nest) => prepare?.(nest.get<never>(controller)),
  });
  const answers: number[] = [];
  for (let i = 0; i < count; i++) answers.push((await get(path)).status);
  return answers;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Puts another function in a method's place, without its metadata, as loggers, caches and transactions do. */
const Logged = (): MethodDecorator => (_target, _name, descriptor: PropertyDescriptor) => {
  const inner = descriptor.value as Method;
  descriptor.value = function (...args: unknown[]) {
    return inner.apply(this, args);
  } satisfies Method;
};

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.switchToHttp().getRequest<{ user: object }>().user = { id: 1 };
    return true;
  }
}

describe('below a decorator that wraps the method and copies no metadata', () => {
  @Controller()
  class WrappedController {
    @Get('limited')
    @Logged()
    @RateLimit(once)
    limited() {}

    @Get('skipped')
    @Logged()
    @SkipRateLimit()
    skipped() {}

    @Get('late')
    @UseGuards(UserGuard)
    @Logged()
    @RateLimit({ ...once, key: byUser })
    late() {}

    @Get('both')
    @RateLimit({ name: 'outer', limit: 2, window: '1h' })
    @Logged()
    @RateLimit({ name: 'inner', limit: 1, window: '1h' })
    both() {}
  }

  it.each([
    ['@RateLimit limits', 'limited', [200, 429]],
    ['@SkipRateLimit skips', 'skipped', [200, 200, 200]],
    ['late policies are decided', 'late', [200, 429]],
    ['what stands above it and below it adds up', 'both', [200, 429]],
  ])('%s', async (_what, path, right) => {
    expect(await statuses(WrappedController, `/${path}`, right.length, undefined, isDefault)).toEqual(right);
  });
});

describe('by hand, and inherited', () => {
  class Base {
    @Get('find')
    find() {}

    @Get('limited')
    @RateLimit(once)
    limited() {}
  }

  it('a method that is overridden without the decorator is not limited by the one above', async () => {
    @Controller()
    class Overriding extends Base {
      @Get('limited')
      override limited() {}
    }
    expect(await statuses(Overriding, '/limited', 2)).toEqual([200, 200]);
  });

  it('an inherited method that is limited for one class is not for another', async () => {
    @Controller('one')
    class One extends Base {}
    @Controller('other')
    class Other extends Base {}
    RateLimit(once)(One.prototype, 'find', undefined as never);
    const { get } = await boot('express', {}, { controllers: [One, Other] });
    const answers: number[] = [];
    for (const path of ['/one', '/one', '/other', '/other']) answers.push((await get(`${path}/find`)).status);
    expect(answers).toEqual([200, 429, 200, 200]);
  });

  it('a decorator that is run twice, as packages that generate routes do, is one', async () => {
    @Controller()
    class Generated {
      @Get('find')
      find() {}
    }
    const decorate = RateLimit('two');
    for (let i = 0; i < 2; i++) decorate(Generated.prototype, 'find', undefined as never);
    expect(await statuses(Generated, '/find', 3, undefined, { policies: isDefault.policies })).toEqual([200, 200, 429]);
  });

  it.each<[string, (type: Type) => void]>([
    ['on the prototype', (type) => RateLimit(once)(type.prototype as object, 'find', undefined as never)],
    ['on the class', (type) => RateLimit(once)(type, 'find', Object.getOwnPropertyDescriptor(type.prototype, 'find')!)],
    ['on the function', (type) => RateLimit(once)((type.prototype as { find: () => void }).find as never)],
  ])('%s', async (_where, decorate) => {
    @Controller()
    class ByHand {
      @Get('find')
      find() {}
    }
    decorate(ByHand);
    expect(await statuses(ByHand, '/find', 2)).toEqual([200, 429]);
  });
});

describe('the class in front of the class', () => {
  /** The old form of a class decorator: instances are of the class inside. */
  const Traced = (): ClassDecorator => (type) => {
    const inner = type as unknown as new (...args: unknown[]) => object;
    const outer = function (...args: unknown[]) {
      return new inner(...args);
    };
    outer.prototype = inner.prototype as object;
    return outer as never;
  };
  const Proxied = (): ClassDecorator => (type) => new Proxy(type, {});

  /** Makes instances of a class that extends the one it decorates. */
  const Extended = (): ClassDecorator => (type) =>
    new Proxy(type, {
      construct: (target, args) =>
        new (class extends (target as unknown as new (...args: unknown[]) => object) {})(...args),
    });

  it.each<[string, ClassDecorator]>([
    ['a function', Traced()],
    ['a Proxy', Proxied()],
    ['a Proxy that makes instances of another class', Extended()],
  ])('%s: what decorators inside it say holds', async (_what, decorate) => {
    @Controller()
    @decorate
    @RateLimit(once)
    class Inside {
      @Get()
      find() {}
    }
    expect(await statuses(Inside, '/', 2)).toEqual([200, 429]);
  });
});

describe('doubles in the place of handlers, which have no metadata and other names', () => {
  @Controller()
  class CatsController {
    @Get()
    @RateLimit(once)
    find(): string {
      return 'cats';
    }

    @Get('late')
    @RateLimit({ ...once, key: byUser })
    late() {}

    @Post()
    create() {}
  }

  it.each<[string, (cats: CatsController) => void]>([
    ['jest.spyOn', (cats) => jest.spyOn(cats, 'find')],
    ['jest.fn', (cats) => (cats.find = jest.fn(() => 'mock'))],
    ['a function with the name of another handler', (cats) => (cats.find = { create: () => 'other' }.create)],
  ])('%s is limited by the plan of its handler', async (_what, replace) => {
    expect(await statuses(CatsController, '/', 2, replace)).toEqual([200, 429]);
  });

  it('also when the double is taken back before the first request', async () => {
    const { get, nest } = await boot(
      'express',
      {},
      {
        controllers: [CatsController],
        prepare: (nest) => void jest.spyOn(nest.get(CatsController), 'find'),
      },
    );
    jest.restoreAllMocks();
    expect(nest.get(CatsController).find).toBe(CatsController.prototype.find);
    expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
  });

  it('late policies too', async () => {
    const replaced = (cats: CatsController) => void (cats.late = jest.fn());
    expect(await statuses(CatsController, '/late', 2, replaced)).toEqual([200, 429]);
  });

  it('late policies of a handler that is bound for each request are not passed by', async () => {
    @Controller({ scope: Scope.REQUEST })
    class PerRequestController {
      constructor() {
        this.late = this.late.bind(this);
      }

      @Get('late')
      @RateLimit({ ...once, key: byUser })
      late() {}
    }
    const { get } = await boot('express', {}, { controllers: [PerRequestController] });
    expect((await get('/late')).status).toBe(500);
  });
});
