import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Injectable,
  Module,
  Post,
  UseGuards,
  type CanActivate,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { jest } from '@jest/globals';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import {
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiResponse,
  ApiTooManyRequestsResponse,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import {
  MemoryStore,
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  RateLimitModule,
  SkipRateLimit,
  StoreUnavailableError,
  type RateLimitModuleOptions,
  type RateLimitStore,
} from 'nestjs-redis-rate-limit';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';

const others: INestApplication[] = [];

afterEach(async () => {
  await closeApps();
  for (const other of others.splice(0)) await other.close();
});

interface Schema {
  type: string;
  required?: string[];
}

/** What the document of an application says of the answers of an operation. */
interface Answer {
  description: string;
  headers?: Record<string, { description: string; schema: Schema; example?: unknown }>;
  content?: Record<string, { schema: Schema; example?: unknown }>;
}
type Answers = Record<string, Answer>;
type Method = 'get' | 'post' | 'delete';

/** The document as `@nestjs/swagger` makes it, whether or not limits were added. */
const answersAsTheyAre = (nest: INestApplication, path: string, method: Method = 'get') =>
  SwaggerModule.createDocument(nest, new DocumentBuilder().build()).paths[path]![method]!
    .responses as unknown as Answers;

function answersOf(nest: INestApplication, path: string, method: Method = 'get'): Answers {
  documentRateLimits(nest);
  return answersAsTheyAre(nest, path, method);
}

const example = (answer: Answer | undefined, field: string): unknown => answer?.headers?.[field]?.example;
const problem = (answer: Answer | undefined) => answer?.content?.['application/problem+json'];

/** Never answers. */
const away: RateLimitStore = {
  consume: () => Promise.reject(new StoreUnavailableError('away')),
  reset: () => Promise.reject(new StoreUnavailableError('away')),
};

const burst = { limit: 20, window: '1s', algorithm: 'token-bucket' } as const;
type Options = Parameters<typeof boot>[1];

async function answersUnder(
  options: Options,
  handler: MethodDecorator = () => {},
  controller: ClassDecorator = () => {},
): Promise<Answers> {
  @Controller('cats')
  @controller
  class CatsController {
    @Get()
    @handler
    all() {
      return [];
    }
  }
  const { nest } = await boot('express', options, { controllers: [CatsController] });
  return answersOf(nest, '/cats');
}

describe('a limited handler', () => {
  it('documents the answer 429, its fields and its body', async () => {
    const answers = await answersUnder({ policies: { burst }, default: ['burst'] });
    expect(Object.keys(answers)).toEqual(['200', '429']);
    expect(answers['429']).toEqual({
      description: 'Over the quota of "burst" (20 per 1s).',
      headers: {
        'RateLimit-Policy': {
          description: 'The policies of the request: `q` units in `w` seconds each, or `q` requests at once.',
          schema: { type: 'string' },
          example: '"burst";q=20;w=1',
        },
        RateLimit: {
          description: 'What is left: `r` units of each policy, and more in `t` seconds.',
          schema: { type: 'string' },
          example: '"burst";r=0;t=1',
        },
        'Retry-After': {
          description: 'Seconds until the same request would pass. Absent if it never can.',
          schema: { type: 'integer', minimum: 1 },
          example: 1,
        },
      },
      content: {
        'application/problem+json': {
          schema: {
            title: 'RateLimitProblem',
            description: 'Problem details (RFC 9457).',
            type: 'object',
            required: ['type', 'title', 'status', 'detail', 'message', 'violated-policies'],
            properties: {
              type: { type: 'string', format: 'uri', description: 'Which kind of problem it is.' },
              title: { type: 'string', description: 'The kind in words.' },
              status: { type: 'integer', description: 'The status of the answer.' },
              detail: { type: 'string', description: 'What happened, and what to do.' },
              message: { type: 'string', description: 'The same, to show to people.' },
              'violated-policies': {
                type: 'array',
                items: { type: 'string' },
                description: 'The policies that are the reason.',
              },
            },
          },
          example: {
            type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
            title: 'Request cannot be satisfied as assigned quota has been exceeded',
            status: 429,
            detail: 'Not enough is left of the quota of "burst"; try again in 1 s.',
            message: 'Too many requests: over the quota of "burst". Try again in 1 s.',
            'violated-policies': ['burst'],
          },
        },
      },
    });
  });

  it('documents it as docs/openapi.md shows', async () => {
    const page = readFileSync(new URL('../../docs/openapi.md', import.meta.url), 'utf8');
    const shown = JSON.parse(/```json\n(.*?)```/s.exec(page)![1]!) as object;
    const answers = await answersUnder({}, RateLimit({ name: 'reports', limit: 20, window: '1h' }));
    expect(answers).toMatchObject(shown);
  });

  it('documents the fields on its own answer too', async () => {
    const answers = await answersUnder({ policies: { burst }, default: ['burst'] });
    expect(answers['200']).toMatchObject({ description: '' });
    expect(Object.keys(answers['200']!.headers!)).toEqual(['RateLimit-Policy', 'RateLimit']);
    expect(example(answers['200'], 'RateLimit')).toBe('"burst";r=19;t=1');
  });

  it('names the policies of the module, of its class and its own', async () => {
    const hourly = { name: 'hourly', limit: 100, window: '1h' } as const;
    const answers = await answersUnder(
      { policies: { burst }, default: ['burst'] },
      RateLimit({ limit: 3, window: '1m' }),
      RateLimit(hourly),
    );
    expect(answers['429']!.description).toBe(
      'Over the quota of "burst" (20 per 1s), "hourly" (100 per 1h), or "3-per-1m" (3 per 1m).',
    );
    // The three that the smallest admits are charged to all.
    expect(example(answers['429'], 'RateLimit')).toBe('"burst";r=17;t=1, "hourly";r=97;t=3600, "3-per-1m";r=0;t=60');
    expect(example(answers['429'], 'Retry-After')).toBe(60);
    expect(problem(answers['429'])!.example).toMatchObject({ 'violated-policies': ['3-per-1m'] });
  });

  it.each([
    ['no policy of its own', { default: [] }, () => {}],
    ['all policies skipped', { default: ['burst'] }, SkipRateLimit()],
  ])('that has %s documents nothing', async (_what, options, handler) => {
    const answers = await answersUnder({ policies: { burst }, ...options }, handler);
    expect(answers).toEqual({ 200: { description: '' } });
  });

  it.each([
    ['a function', { limit: () => 5 }, '"p" (depends on the caller, per 1d)', '"p";r=0;t=86400'],
    ['0', { limit: 0 }, '"p" (0 per 1d)', '"p";r=0'],
  ])('says of a limit that is %s what can be said', async (_what, limit, words, field) => {
    const answers = await answersUnder({}, RateLimit({ name: 'p', window: '1d', ...limit }));
    expect(answers['429']!.description).toBe(`Over the quota of ${words}.`);
    expect(example(answers['429'], 'RateLimit')).toBe(field);
  });

  it('says of a policy that is looked up only that it depends on the caller, with its own numbers as examples', async () => {
    const resolve = () => ({ limit: 5, window: '1s', cost: 3 }) as const;
    const answers = await answersUnder({}, RateLimit({ name: 'plan', limit: 9, window: '1d', cost: 2, resolve }));
    expect(answers['429']!.description).toBe('Over the quota of "plan" (depends on the caller).');
    expect(example(answers['200'], 'RateLimit')).toBe('"plan";r=7;t=86400');
  });

  it('documents no wait where no request can ever pass', async () => {
    const answers = await answersUnder({}, RateLimit({ name: 'none', limit: 0, window: '1d' }));
    expect(answers['429']!.headers).not.toHaveProperty('Retry-After');
    expect(problem(answers['429'])!.example).toMatchObject({
      detail: 'The request costs more than "none" can ever hold.',
    });
  });

  it.each([
    ['a cost', { cost: 5 }, 'a request costs 5', '"tokens";r=15;t=1'],
    ['a cost that is a function', { cost: () => 7 }, 'a request costs as much as it asks for', '"tokens";r=19;t=1'],
    ['a burst', { burst: 40 }, 'at most 40 at once', '"tokens";r=39;t=1'],
  ])('says of %s what a client should know', async (_what, part, words, field) => {
    const answers = await answersUnder({}, RateLimit({ name: 'tokens', ...burst, ...part }));
    expect(answers['429']!.description).toBe(`Over the quota of "tokens" (20 per 1s, ${words}).`);
    expect(example(answers['200'], 'RateLimit')).toBe(field);
  });

  it('whose application sends no fields documents its own answer as it was', async () => {
    const answers = await answersUnder({ policies: { burst }, default: ['burst'], headers: 'none' });
    expect(answers['200']).toEqual({ description: '' });
    expect(Object.keys(answers['429']!.headers!)).toEqual(['Retry-After']);
  });

  it('documents the answer 403 where a policy has a deny list that answers so', async () => {
    const answers = await answersUnder(
      { policies: { burst: { ...burst, deny: ['203.0.113.7'] } }, default: ['burst'] },
      RateLimit({ name: 'daily', limit: 100, window: '1d', deny: { list: ['user:42'] } }),
    );
    expect(Object.keys(answers)).toEqual(['200', '403', '429']);
    expect(answers['403']).toMatchObject({ description: 'On the deny list of "burst" or "daily".', headers: {} });
    expect(problem(answers['403'])!.example).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'Requests of this client are refused.',
      message: 'Requests of this client are refused.',
      'violated-policies': ['burst', 'daily'],
    });
  });

  it.each([
    ['answers 429', { list: ['203.0.113.7'], status: 429 }],
    ['names nobody', []],
  ] as const)('documents no 403 where the deny list %s', async (_what, deny) => {
    const answers = await answersUnder({}, RateLimit({ name: 'daily', limit: 100, window: '1d', deny }));
    expect(Object.keys(answers)).toEqual(['200', '429']);
  });

  it('that only looks is never denied, and documents only the fields', async () => {
    const answers = await answersUnder({}, RateLimit({ name: 'looks', ...burst, cost: 0 }));
    expect(Object.keys(answers)).toEqual(['200']);
    expect(example(answers['200'], 'RateLimit')).toBe('"looks";r=20');
  });
});

describe.each(adapters)('what is documented on %s', (adapter: Adapter) => {
  it.each(['ietf', 'legacy', 'both', 'none'] as const)('is what is sent, with the fields %s', async (headers) => {
    @Controller('cats')
    class CatsController {
      @Get()
      @RateLimit({ name: 'daily', limit: 1, window: '1d' })
      all() {
        return [];
      }
    }
    const { nest, get } = await boot(adapter, { headers }, { controllers: [CatsController] });
    const answers = answersOf(nest, '/cats');
    const [admitted, denied] = [await get('/cats'), await get('/cats')];
    for (const answer of [admitted, denied]) {
      const documented = answers[answer.status]!;
      expect(Object.keys(documented.headers ?? {}).map((name) => name.toLowerCase())).toEqual(
        expect.arrayContaining(limitFields(answer)),
      );
      for (const [name, { schema, example: value }] of Object.entries(documented.headers ?? {})) {
        const sent = answer.headers.get(name);
        expect(sent).not.toBeNull();
        if (schema.type === 'integer') expect(sent).toMatch(/^[1-9]\d*$|^0$/);
        else expect(sent!.replace(/t=\d+/, 't=86400')).toBe(value);
      }
    }
    expect(denied.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const body = (await denied.json()) as { detail: string };
    const { schema, example: documented } = problem(answers['429'])!;
    expect(Object.keys(body)).toEqual(schema.required);
    expect({ ...body, detail: body.detail.replace(/\d+ s/, '86400 s') }).toEqual(documented);
  });

  it('of a store that gives no answer is what is sent', async () => {
    @Controller('cats')
    class CatsController {
      @Get()
      @RateLimit({ name: 'login', limit: 1, window: '1d' })
      all() {
        return [];
      }
    }
    const options = { store: away, onStoreFailure: 'closed' } as const;
    const { nest, get } = await boot(adapter, options, { controllers: [CatsController] });
    const documented = answersOf(nest, '/cats')['503'];
    const shed = await get('/cats');
    expect(shed.status).toBe(503);
    expect(Object.keys(documented!.headers!)).toEqual(['Retry-After']);
    expect(Number(shed.headers.get('retry-after'))).toBe(example(documented, 'Retry-After'));
    expect(await shed.json()).toEqual(problem(documented)!.example);
  });
});

/** The fields of an answer that are about limits. */
const limitFields = (answer: Response): string[] =>
  [...answer.headers.keys()].filter((name) => name.includes('ratelimit') || name === 'retry-after');

describe('the answer 503', () => {
  const named = (onStoreFailure: 'open' | 'closed' | undefined) =>
    RateLimit({ name: 'login', limit: 5, window: '1m', onStoreFailure });

  it.each([
    ['a policy is closed', { store: away }, named('closed')],
    ['the module is closed and the policy says nothing', { store: away, onStoreFailure: 'closed' }, named(undefined)],
    ['Redis keeps the quotas', { redis: 'redis://127.0.0.1:1' }, named('closed')],
  ] as const)('is documented where %s', async (_sentence, options, handler) => {
    const answers = await answersUnder(options, handler);
    expect(answers['503']!.description).toBe('The quota of "login" cannot be checked at the moment.');
    expect(problem(answers['503'])!.example).toMatchObject({ status: 503, 'violated-policies': ['login'] });
  });

  it.each([
    ['every policy is local', { store: away }, named(undefined)],
    ['the policy is open in a module that is closed', { store: away, onStoreFailure: 'closed' }, named('open')],
    ['this process keeps the quotas', { onStoreFailure: 'closed' }, named('closed')],
    ['a memory store of the user keeps them', { store: new MemoryStore() }, named('closed')],
  ] as const)('is not documented where %s', async (_sentence, options, handler) => {
    expect(Object.keys(await answersUnder(options, handler))).toEqual(['200', '429']);
  });
});

describe('what the application declares', () => {
  const limited = { policies: { burst }, default: ['burst'] };
  const own = { description: 'Mine.' };

  it('of 429 on the handler stays as it is', async () => {
    const answers = await answersUnder(limited, ApiTooManyRequestsResponse(own));
    expect(answers).toEqual({ 429: own });
  });

  it('of 429 and 503 on the class stays as it is', async () => {
    const closed = { ...limited, store: away, onStoreFailure: 'closed' } as const;
    const ofClass: ClassDecorator = (target) => {
      ApiResponse({ status: 429, ...own })(target);
      ApiResponse({ status: 503, ...own })(target);
    };
    const answers = await answersUnder(closed, () => {}, ofClass);
    expect([answers['429'], answers['503']]).toEqual([own, own]);
  });

  it('of other answers stays, with the fields where they succeed, and no status is made up', async () => {
    const responses: MethodDecorator = (...handler) => {
      ApiCreatedResponse({
        type: [String],
        headers: { RateLimit: { description: 'Mine.' }, Location: { description: 'Where.' } },
      })(...handler);
      ApiNotFoundResponse(own)(...handler);
    };
    const answers = await answersUnder(limited, responses);
    expect(Object.keys(answers)).toEqual(['201', '404', '429']);
    expect(answers['404']).toEqual(own);
    expect(answers['201']!.content).toEqual({
      'application/json': { schema: { type: 'array', items: { type: 'string' } } },
    });
    expect(answers['201']!.headers).toMatchObject({ RateLimit: { description: 'Mine.' }, Location: expect.anything() });
    expect(example(answers['201'], 'RateLimit-Policy')).toBe('"burst";q=20;w=1');
  });

  it('by nothing but the status that Nest sends stays', async () => {
    @Controller('cats')
    class CatsController {
      @Post()
      create() {}

      @Delete()
      @HttpCode(204)
      remove() {}
    }
    const { nest } = await boot('express', limited, { controllers: [CatsController] });
    expect(Object.keys(answersOf(nest, '/cats', 'post'))).toEqual(['201', '429']);
    expect(Object.keys(answersOf(nest, '/cats', 'delete'))).toEqual(['204', '429']);
  });

  it('through the compiler plugin stays, if that was loaded before the call', async () => {
    @Controller('cats')
    class CatsController {
      @Get()
      all() {}

      @Get('one')
      one() {}
    }
    const { nest } = await boot('express', limited, { controllers: [CatsController] });
    const found = { all: { type: [String], summary: 'All cats' }, one: { type: String, status: 203 } };
    const file = Promise.resolve({ CatsController });
    await SwaggerModule.loadPluginMetadata(async () => ({
      '@nestjs/swagger': { controllers: [[file, { CatsController: found }]] },
    }));
    const [all, one] = [answersOf(nest, '/cats'), answersOf(nest, '/cats/one')];
    expect([Object.keys(all), Object.keys(one)]).toEqual([
      ['200', '429'],
      ['203', '429'],
    ]);
    expect(all['200']!.content).toEqual({
      'application/json': { schema: { type: 'array', items: { type: 'string' } } },
    });
    expect(one['203']!.content).toEqual({ 'application/json': { schema: { type: 'string' } } });
  });
});

/** The metadata of a handler, key by key. */
function metadataOf(controller: Type, name: string): Map<unknown, unknown> {
  const handler = (controller.prototype as Record<string, object>)[name]!;
  return new Map(Reflect.getMetadataKeys(handler).map((key: unknown) => [key, Reflect.getMetadata(key, handler)]));
}

describe('an application that does not call documentRateLimits()', () => {
  it('writes nothing about its document on any handler, not even when the document is made', async () => {
    const controllerOf = (): Type => {
      @Controller('cats')
      @RateLimit({ name: 'hourly', limit: 100, window: '1h' })
      class CatsController {
        @Get()
        @RateLimit({ name: 'daily', limit: 500, window: '1d' })
        all() {}

        @Get('declared')
        @ApiOkResponse({ description: 'All cats.' })
        declared() {}
      }
      return CatsController;
    };
    const [controller, untouched] = [controllerOf(), controllerOf()];
    const { nest } = await boot('express', { policies: { burst }, default: ['burst'] }, { controllers: [controller] });
    expect(answersAsTheyAre(nest, '/cats')).toEqual({ 200: { description: '' } });
    expect(answersAsTheyAre(nest, '/cats/declared')).toEqual({ 200: { description: 'All cats.' } });
    for (const name of ['all', 'declared']) {
      const metadata = metadataOf(controller, name);
      // The guard needs it, to know a handler that something wraps.
      expect(metadata.delete(Symbol.for('nestjs-redis-rate-limit/route'))).toBe(true);
      expect(metadata).toEqual(metadataOf(untouched, name));
    }
  });
});

describe('documentRateLimits()', () => {
  @Controller('cats')
  class CatsController {
    @Get()
    @ApiOkResponse({ description: 'All cats.' })
    all() {}
  }
  const limited: RateLimitModuleOptions = { policies: { hourly: { limit: 9, window: '1h' } }, default: ['hourly'] };

  it('does the same when it is called twice', async () => {
    const { nest } = await boot('express', limited, { controllers: [CatsController] });
    const once = answersOf(nest, '/cats');
    const metadata = metadataOf(CatsController, 'all');
    expect(Object.keys(once)).toEqual(['200', '429']);
    expect(answersOf(nest, '/cats')).toEqual(once);
    expect(metadataOf(CatsController, 'all')).toEqual(metadata);
  });

  it('documents the limits in force at the time of the call', async () => {
    const { nest } = await boot('express', limited, { controllers: [CatsController] });
    const { limits } = nest.get(RateLimiter);
    await limits.set('hourly', { limit: 4 });
    const changed = answersOf(nest, '/cats');
    expect(changed['429']!.description).toBe('Over the quota of "hourly" (4 per 1h).');
    expect(example(changed['200'], 'RateLimit')).toBe('"hourly";r=3;t=3600');
    await limits.clear('hourly');
    expect(answersOf(nest, '/cats')['429']!.description).toBe('Over the quota of "hourly" (9 per 1h).');
  });

  it('documents a handler that something wrapped after the start', async () => {
    @Controller('dogs')
    class DogsController {
      @Get()
      all() {}
    }
    const { nest } = await boot('express', limited, { controllers: [DogsController] });
    const wrapped = (): void => {};
    for (const [key, value] of metadataOf(DogsController, 'all')) Reflect.defineMetadata(key, value, wrapped);
    DogsController.prototype.all = wrapped;
    expect(Object.keys(answersOf(nest, '/dogs'))).toEqual(['200', '429']);
  });

  it('also documents an application of @nestjs/testing', async () => {
    const tested = await Test.createTestingModule({
      imports: [RateLimitModule.forRoot({ ...limited, isGlobal: false })],
      controllers: [CatsController],
    }).compile();
    const nest = tested.createNestApplication({ logger: false });
    others.push(nest);
    expect(Object.keys(answersOf(nest, '/cats'))).toEqual(['200', '429']);
  });

  it.each([true, false])('says what is missing without RateLimitModule, with abortOnError %s', async (abortOnError) => {
    @Module({ controllers: [CatsController] })
    class AppModule {}
    const nest = await NestFactory.create(AppModule, { logger: false, abortOnError });
    others.push(nest);
    const exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
    try {
      expect(() => documentRateLimits(nest)).toThrow(/^RL_NOT_IMPORTED: .*import RateLimitModule\.forRoot\(\)/);
      expect(exit).not.toHaveBeenCalled();
    } finally {
      exit.mockRestore();
    }
  });
});

describe('a handler that controllers inherit', () => {
  class Base {
    @Get()
    all() {}
  }
  const controllers = (...decorators: ClassDecorator[]): Type[] =>
    decorators.map((decorator, i) => {
      class Inheriting extends Base {}
      Controller(`c${i}`)(Inheriting);
      decorator(Inheriting);
      return Inheriting;
    });
  const hourly = RateLimit({ name: 'hourly', limit: 100, window: '1h' });
  const daily = RateLimit({ name: 'daily', limit: 500, window: '1d' });
  const documented = (...decorators: ClassDecorator[]) => documentedUnder({}, ...decorators);
  const documentedUnder = async (options: Options, ...decorators: ClassDecorator[]) => {
    const { nest } = await boot('express', options, { controllers: controllers(...decorators) });
    return decorators.map((_, i) => answersOf(nest, `/c${i}`));
  };

  it('is documented exactly where they have the same policies', async () => {
    const all = await documented(hourly, hourly);
    expect(all.map((answers) => answers['429']!.description)).toEqual([
      'Over the quota of "hourly" (100 per 1h).',
      'Over the quota of "hourly" (100 per 1h).',
    ]);
  });

  it('is documented without names and numbers where their policies differ', async () => {
    for (const answers of await documented(hourly, daily)) {
      expect(answers['429']!.description).toBe('Over a quota.');
      expect(Object.keys(answers['429']!.headers!)).toEqual(['RateLimit-Policy', 'RateLimit', 'Retry-After']);
      expect(JSON.stringify(answers)).not.toMatch(/hourly|daily|example/);
    }
  });

  it('is documented with the answers that all of them have, and no other', async () => {
    const looks = RateLimit({ name: 'looks', limit: 5, window: '1h', cost: 0 });
    const closed = RateLimit({ name: 'closed', limit: 5, window: '1h', onStoreFailure: 'closed' });
    const listed = RateLimit({ name: 'listed', limit: 5, window: '1h', deny: ['203.0.113.7'] });
    const statuses = async (one: ClassDecorator, other: ClassDecorator) => {
      const [first, second] = await documentedUnder({ store: away }, one, other);
      expect(Object.keys(first!)).toEqual(Object.keys(second!));
      return Object.keys(first!);
    };
    expect(await statuses(hourly, looks)).toEqual(['200']);
    expect(await statuses(closed, hourly)).toEqual(['200', '429']);
    expect(await statuses(listed, hourly)).toEqual(['200', '429']);
    expect(await statuses(listed, closed)).toEqual(['200', '429']);
    const closedToo = RateLimit({ name: 'too', limit: 9, window: '1h', onStoreFailure: 'closed', deny: ['10.0.0.1'] });
    expect(await statuses(closed, closedToo)).toEqual(['200', '429', '503']);
    expect(await statuses(listed, closedToo)).toEqual(['200', '403', '429']);
  });

  it('is not documented where one of them is not limited', async () => {
    const bare = { 200: { description: '' } };
    expect(await documented(hourly, SkipRateLimit())).toEqual([bare, bare]);
  });
});

describe('a controller of several applications', () => {
  it('has the limits of the application that was passed last, and nothing accumulates', async () => {
    @Controller('cats')
    class CatsController {
      @Get()
      @ApiOkResponse({ description: 'All cats.' })
      all() {}

      @Get('free')
      free() {}
    }
    const start = (options: Options) => boot('express', options, { controllers: [CatsController] });
    const first = await start({ policies: { burst }, default: ['burst'], store: away, onStoreFailure: 'closed' });
    expect(Object.keys(answersOf(first.nest, '/cats'))).toEqual(['200', '429', '503']);

    const second = await start({ default: [{ name: 'hourly', limit: 9, window: '1h' }], headers: 'legacy' });
    const answers = answersOf(second.nest, '/cats');
    expect(Object.keys(answers)).toEqual(['200', '429']);
    expect(Object.keys(answers['200']!.headers!)).toEqual([
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
    ]);
    expect(answers['429']!.description).toBe('Over the quota of "hourly" (9 per 1h).');

    const third = await start({});
    expect(answersOf(third.nest, '/cats')).toEqual({ 200: { description: 'All cats.' } });
    expect(answersOf(third.nest, '/cats/free')).toEqual({ 200: { description: '' } });

    const again = answersOf(first.nest, '/cats');
    expect(Object.keys(again)).toEqual(['200', '429', '503']);
    expect(again['429']!.description).toBe('Over the quota of "burst" (20 per 1s).');
  });
});

describe('with a guard of the application', () => {
  @Injectable()
  class OwnGuard implements CanActivate {
    canActivate = () => true;
  }
  class StricterGuard extends RateLimitGuard {}

  @Controller('cats')
  class CatsController {
    @Get('guarded')
    @UseGuards(OwnGuard, RateLimitGuard)
    guarded() {}

    @Get('stricter')
    @UseGuards(StricterGuard)
    stricter() {}

    @Get('other')
    @UseGuards(OwnGuard)
    other() {}
  }
  const options = { policies: { burst }, default: ['burst'], guard: false };
  const statuses = (nest: INestApplication) =>
    ['guarded', 'stricter', 'other'].map((path) => Object.keys(answersOf(nest, `/cats/${path}`)));
  const [free, limited] = [['200'], ['200', '429']];

  it('only handlers that our guard is bound to are documented', async () => {
    const { nest } = await boot('express', options, { controllers: [CatsController] });
    expect(statuses(nest)).toEqual([limited, limited, free]);
  });

  it('a handler that two controllers inherit is not, unless ours stands before both', async () => {
    const answersWhere = async (...guards: (ClassDecorator | undefined)[]) => {
      class Listing {
        @Get()
        all() {}
      }
      const controllers = guards.map((guard, i) => {
        @Controller(`c${i}`)
        class Inheriting extends Listing {}
        guard?.(Inheriting);
        return Inheriting;
      });
      const { nest } = await boot('express', options, { controllers });
      return controllers.map((_, i) => Object.keys(answersOf(nest, `/c${i}`)));
    };
    expect(await answersWhere(UseGuards(RateLimitGuard), undefined)).toEqual([free, free]);
    expect(await answersWhere(undefined, UseGuards(RateLimitGuard))).toEqual([free, free]);
    expect(await answersWhere(UseGuards(RateLimitGuard), UseGuards(StricterGuard))).toEqual([limited, limited]);
  });

  it.each([
    ['APP_GUARD', { providers: [{ provide: APP_GUARD, useExisting: RateLimitGuard }] }],
    ['useGlobalGuards', { prepare: (nest: INestApplication) => nest.useGlobalGuards(nest.get(RateLimitGuard)) }],
  ])('all handlers are documented if our guard is bound by %s', async (_how, bound) => {
    const { nest } = await boot('express', options, { controllers: [CatsController], ...bound });
    expect(statuses(nest)).toEqual([limited, limited, limited]);
  });
});

describe.each(adapters)('the sample on %s', (adapter) => {
  let url: string;

  beforeEach(async () => {
    const sample = await createApp(configFrom({ HTTP_ADAPTER: adapter }));
    others.push(sample);
    await sample.listen(0, '127.0.0.1');
    url = await sample.getUrl();
  });

  const documentOf = async () => (await (await fetch(`${url}/openapi.json`)).json()) as OpenAPIObject;

  it('serves the document of its API, and of nothing else', async () => {
    const answer = await fetch(`${url}/openapi.json`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const { info, paths } = (await answer.json()) as OpenAPIObject;
    expect(info).toMatchObject({ title: 'nestjs-redis-rate-limit: the sample', version: '1.0' });
    expect(info.description).toContain('`Retry-After`');
    const algorithms = ['fixed-window', 'sliding-window', 'sliding-log', 'token-bucket', 'gcra'];
    expect(Object.keys(paths).sort()).toEqual(
      [
        'ping',
        'free',
        'report',
        'generate',
        'chat',
        'upload',
        'login',
        'weather',
        'feed',
        'search',
        'trial',
        'minute',
        'export',
      ]
        .concat(algorithms.map((name) => `algorithms/${name}`))
        .map((path) => `/api/${path}`)
        .concat('/health')
        .sort(),
    );
  });

  it('says in it what is limited and by how much', async () => {
    const { paths } = await documentOf();
    const denials = Object.entries(paths).flatMap(([path, { get, post }]) => {
      const denial = (get ?? post)!.responses['429'] as { description: string } | undefined;
      return denial ? [[path, denial.description]] : [];
    });
    expect(Object.fromEntries(denials)).toEqual({
      '/api/ping': 'Over the quota of "ping" (10 per 10s).',
      '/api/algorithms/fixed-window': 'Over the quota of "fixed-window" (10 per 10s).',
      '/api/algorithms/sliding-window': 'Over the quota of "sliding-window" (10 per 10s).',
      '/api/algorithms/sliding-log': 'Over the quota of "sliding-log" (10 per 10s).',
      '/api/algorithms/token-bucket': 'Over the quota of "token-bucket" (10 per 10s).',
      '/api/algorithms/gcra': 'Over the quota of "gcra" (10 per 10s).',
      '/api/report': 'Over the quota of "burst" (5 per 1s) or "hourly" (20 per 1h).',
      '/api/generate': 'Over the quota of "tokens" (1000 per 1m, a request costs as much as it asks for).',
      '/api/chat': 'Over the quota of "tokens" (1000 per 1m, a request costs as much as it asks for).',
      '/api/upload': 'Over the quota of "uploads" (2 at once).',
      '/api/login':
        'Over the quota of "login" (5 per 1m, callers over the limit are blocked for 1m, then 10m, then 1h).',
      '/api/weather': 'Over the quota of "plan" (depends on the caller).',
      '/api/feed': 'Over the quota of "feed" (5 per 1m).',
      '/api/search': 'Over the quota of "search" (20 per 10s).',
      '/api/trial': 'Over the quota of "trial" (5 per 1m).',
      '/api/minute': 'Over the quota of "minute" (10 per minute).',
      '/api/export': 'Over the quota of "monthly" (depends on the caller).',
    });
    expect(paths['/api/feed']!.get!.responses).toHaveProperty('403');
  });

  it('says in it which headers choose the quota, and shows a body that passes', async () => {
    const { paths } = await documentOf();
    const report = paths['/api/report']!.get!;
    expect(report.parameters).toMatchObject([{ name: 'x-api-key', in: 'header', schema: { example: 'alice' } }]);
    expect(report.parameters).not.toContainEqual(expect.objectContaining({ required: true }));
    expect(paths['/api/algorithms/gcra']!.get!.parameters).toEqual(report.parameters);
    const generate = paths['/api/generate']!.post!;
    expect(generate.parameters).toMatchObject([{ name: 'x-tenant-id', in: 'header', schema: { example: 'acme' } }]);
    const { schema } = (generate.requestBody as { content: Record<string, { schema: object }> }).content[
      'application/json'
    ]!;
    expect(schema).toEqual({
      type: 'object',
      required: ['tokens'],
      properties: { tokens: { type: 'integer', minimum: 1, example: 250 } },
    });
    const chat = paths['/api/chat']!.post!;
    expect(chat.parameters).toEqual(generate.parameters);
    expect(chat.responses['200']).toHaveProperty('content', { 'text/event-stream': expect.anything() });
    const upload = paths['/api/upload']!.post!;
    expect(upload.parameters).toEqual(generate.parameters);
    expect(Object.keys((upload.requestBody as { content: object }).content)).toEqual(['application/octet-stream']);
  });

  it.each(['/openapi', '/openapi/'])(
    'serves at %s a page that loads and runs only what the sample serves',
    async (path) => {
      const answer = await fetch(url + path);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      const html = await answer.text();
      const policy = answer.headers.get('content-security-policy')!;
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' /);
      expect(policy).not.toContain('unsafe-inline');
      // The styles in the page are known by their hashes: @nestjs/swagger may write others one day.
      const styles = [...html.matchAll(/<style>(.*?)<\/style>| style="(.*?)"/gs)].map(([, element, attribute]) =>
        createHash('sha256')
          .update((element ?? attribute)!)
          .digest('base64'),
      );
      expect(styles).toHaveLength(3);
      for (const hash of styles) expect(policy).toContain(`'sha256-${hash}'`);

      const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => new URL(file!, url + path));
      expect(loaded).toHaveLength(6);
      for (const file of loaded) {
        expect(file.origin).toBe(url);
        const { status, body } = await fetch(file);
        expect([status, (await buffer(body!)).length > 0]).toEqual([200, true]);
      }
      expect(await (await fetch(`${url}/openapi/swagger-ui-init.js`)).text()).toContain('"validatorUrl": null');
    },
  );
});
