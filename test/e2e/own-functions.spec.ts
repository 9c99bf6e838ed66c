import { jest } from '@jest/globals';
import {
  Controller,
  Get,
  Logger,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import {
  byAll,
  byIp,
  byUser,
  RateLimit,
  RateLimitGuard,
  type PolicyOptions,
  type RateLimitModuleOptions,
  type Resolved,
} from 'nestjs-redis-rate-limit';
import { connect } from 'node:net';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';

interface WithUser {
  headers: Record<string, string | undefined>;
  user?: { id: string } | null;
  auth?: { id: string };
  hostname?: string;
}
const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<WithUser>();
const userOf = (context: ExecutionContext) => requestOf(context).user?.id;
const headerOf = (context: ExecutionContext, name: string) => requestOf(context).headers[name];

/** Knows the user by a header, and refuses a request without one. */
class LoginGuard implements CanActivate {
  /** What was on the request when the guard ran. */
  static seen: (PropertyDescriptor | undefined)[] = [];

  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    LoginGuard.seen.push(Object.getOwnPropertyDescriptor(request, 'user'));
    const id = request.headers['authorization'];
    if (!id) throw new UnauthorizedException();
    request.user = request.auth = { id };
    return true;
  }
}

/** A handler behind the guard for each of these policies, at its name's path. */
function guarded(policies: Record<string, Partial<PolicyOptions>[]>, guards: Type<CanActivate>[] = [LoginGuard]) {
  @Controller()
  class GuardedController {}
  const { prototype } = GuardedController as unknown as { prototype: Record<string, () => void> };
  for (const [name, each] of Object.entries(policies)) {
    const handler = { [name]() {} }[name]!;
    Object.defineProperty(prototype, name, { value: handler, writable: true, configurable: true });
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
    const rules = each.map((policy) => ({ limit: 2, window: '1h' as const, ...policy }));
    for (const decorate of [Get(name), RateLimit(...rules), ...(guards.length > 0 ? [UseGuards(...guards)] : [])]) {
      decorate(prototype, name, descriptor);
    }
  }
  return { controllers: [GuardedController] };
}

const later = async <T>(value: T): Promise<T> => {
  await new Promise(setImmediate);
  return value;
};

let warnings: string[];
let errors: string[];
beforeEach(() => {
  warnings = [];
  errors = [];
  LoginGuard.seen = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
  jest.spyOn(Logger.prototype, 'error').mockImplementation((line) => void errors.push(String(line)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

/** The statuses of so many requests, one after the other. */
async function statuses(
  get: (path: string, headers?: Record<string, string>) => Promise<Response>,
  path: string,
  n: number,
  headers = {},
) {
  const all: number[] = [];
  for (let i = 0; i < n; i++) all.push((await get(path, headers)).status);
  return all;
}

/** The status that a request has which no HTTP client would send. */
async function rawStatus(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer.split(' ')[1]!;
}

describe.each(adapters)('functions without a phase on %s', (adapter: Adapter) => {
  it('wrong passwords are counted, whatever is a function', async () => {
    const calm = {
      key: [{ key: (context: ExecutionContext) => `page:${headerOf(context, 'host')}` }],
      asynchronous: [{ key: () => later('all') }],
      skip: [{ skip: () => false }],
      limit: [{ limit: () => later(2) }],
      cost: [{ cost: () => 1 }],
      resolve: [{ limit: 9, resolve: () => later({ limit: 2 }) }],
      cached: [{ limit: 9, resolve: () => ({ limit: 2 }), resolveCache: { by: () => 'all', for: '30s' as const } }],
      combined: [{ key: byAll(byIp, () => 'login') }],
      two: [{ key: () => 'a' }, { key: () => later('b') }],
      // Who pays decides: these read the user, and are early all the same.
      skipOfUser: [{ key: byIp, skip: (context: ExecutionContext) => userOf(context) === 'admin' }],
      limitOfUser: [{ limit: (context: ExecutionContext) => (userOf(context) === 'admin' ? 100 : 2) }],
      costOfUser: [
        { cost: async (context: ExecutionContext) => (await later(0), userOf(context) === 'admin' ? 0 : 1) },
      ],
      said: [
        { phase: 'early' as const, key: (context: ExecutionContext) => `user:${userOf(context) ?? 'nobody'}` },
        { phase: 'early' as const, skip: (context: ExecutionContext) => userOf(context) === 'admin' },
      ],
    };
    const { get } = await boot(adapter, {}, guarded(calm));
    for (const path of Object.keys(calm))
      expect([path, await statuses(get, `/${path}`, 3)]).toEqual([path, [401, 401, 429]]);
    expect(warnings).toEqual(
      [
        ['skipOfUser', 'skip', '2-per-1h'],
        ['limitOfUser', 'limit', 'per-1h'],
        ['costOfUser', 'cost', '2-per-1h'],
      ].map(
        ([handler, part, name]) =>
          `GuardedController.${handler}: the ${part} function of the policy "${name}" read request.user before your guards set it. ` +
          "Give the policy phase: 'late' to decide it after your guards; requests that a guard refuses are then not counted by it.",
      ),
    );
  });

  it('one that reads the user is decided after the guards, and limits each user by itself', async () => {
    const reading = {
      key: [{ key: (context: ExecutionContext) => `own:${userOf(context)}` }],
      throwing: [{ key: (context: ExecutionContext) => requestOf(context).user!.id }],
      asynchronous: [{ key: async (context: ExecutionContext) => (await later(0), requestOf(context).user!.id) }],
      resolve: [{ limit: 9, resolve: (context: ExecutionContext) => ({ limit: 2, key: requestOf(context).user!.id }) }],
      combined: [{ key: byAll(byIp, (context) => userOf(context)) }],
      skip: [
        {
          key: (context: ExecutionContext) => headerOf(context, 'authorization'),
          skip: (context: ExecutionContext) => userOf(context) === 'root',
        },
      ],
      two: [
        { key: (context: ExecutionContext) => userOf(context) },
        { key: (context: ExecutionContext) => later(userOf(context)) },
      ],
    };
    const { get } = await boot(adapter, {}, guarded(reading));
    for (const path of Object.keys(reading)) {
      for (const authorization of ['ann', 'bob']) {
        expect([path, await statuses(get, `/${path}`, 3, { authorization })]).toEqual([path, [200, 200, 429]]);
      }
      // What a guard refuses is not counted: that is what the warning says.
      expect(await statuses(get, `/${path}`, 3)).toEqual([401, 401, 401]);
    }
    expect(await statuses(get, '/skip', 3, { authorization: 'root' })).toEqual([200, 200, 200]);
    const late = warnings.filter((line) => line.includes('is decided after your guards'));
    expect(late).toHaveLength(8);
    expect(late[0]).toBe(
      'GuardedController.key: the key of the policy "2-per-1h" read request.user before your guards set it, so it is decided after your guards. ' +
        'Requests that a guard refuses are not counted by it. ' +
        "If you want that, give it phase: 'late'. If not, use a key that needs no request.user, such as byIp.",
    );
    // Not the advice to count by the address where that is so already.
    expect(late.find((line) => line.startsWith('GuardedController.resolve: '))).toMatch(
      /the resolve of the policy "resolved" read .* If not, do not read request\.user there: nothing has set it yet\.$/,
    );
    expect(late.find((line) => line.startsWith('GuardedController.skip: '))).toContain('the key or skip of the policy');
    expect(errors).toEqual([]);
  });

  it('is decided for each request by itself, together with the early ones', async () => {
    const byWish = (context: ExecutionContext) => (headerOf(context, 'x-late') ? userOf(context) : 'early');
    const policies = {
      mixed: [
        { name: 'wish', key: byWish },
        { name: 'address', limit: 3 },
      ],
    };
    const { get } = await boot(adapter, {}, guarded(policies));
    const ask = async (headers = {}) => {
      const { status, headers: fields } = await get('/mixed', { authorization: 'ann', ...headers });
      return [status, fields.get('ratelimit')?.replace(/;t=\d+/g, '')];
    };
    expect(await ask({ 'x-late': 'yes' })).toEqual([200, '"address";r=2, "wish";r=1']);
    expect(await ask()).toEqual([200, '"wish";r=1, "address";r=1']);
    expect(await ask()).toEqual([200, '"wish";r=0, "address";r=0']);
    // All or none: neither is charged by a denial of the other.
    expect(await ask()).toEqual([429, '"wish";r=0, "address";r=0']);
  });

  it('leaves the request as it was', async () => {
    const own = { value: null, writable: true, enumerable: true, configurable: true };
    let kept: WithUser | undefined;
    const policies = {
      unread: [{ key: () => 'all' }, { skip: () => later(false) }],
      read: [{ key: (context: ExecutionContext) => userOf(context) }],
      failed: [{ key: (context: ExecutionContext) => later(requestOf(context)).then((request) => request.user!.id) }],
      kept: [{ key: (context: ExecutionContext) => ((kept = requestOf(context)), 'all') }],
      assigned: [
        { key: (context: ExecutionContext) => ((requestOf(context).user = { id: 'by key' }), userOf(context)) },
      ],
    };
    const { get } = await boot(adapter, {}, guarded(policies));
    for (const path of ['/unread', '/read', '/failed', '/kept'])
      expect((await get(path, { authorization: 'ann' })).status).toBe(200);
    expect(kept!.user).toEqual({ id: 'ann' });
    expect(LoginGuard.seen).toEqual([undefined, undefined, undefined, undefined]);
    expect((await get('/assigned', { authorization: 'ann' })).status).toBe(200);
    expect(LoginGuard.seen[4]).toEqual({ ...own, value: { id: 'by key' } });
    expect(warnings).toHaveLength(2);
  });

  it('also watches what identity is configured to be', async () => {
    const policies = { auth: [{ key: (context: ExecutionContext) => `own:${requestOf(context).auth!.id}` }] };
    const keys: RateLimitModuleOptions['keys'] = { user: (request) => (request as WithUser).auth!.id };
    const { get } = await boot(adapter, { keys }, guarded(policies));
    for (const authorization of ['ann', 'bob']) {
      expect(await statuses(get, '/auth', 3, { authorization })).toEqual([200, 200, 429]);
    }
    expect(warnings.map((line) => line.slice(0, 66))).toEqual([
      'GuardedController.auth: the key of the policy "2-per-1h" read requ',
    ]);
  });

  it.each<[string, (request: WithUser) => string | undefined | Promise<string>, Record<string, string>]>([
    ['sends more', (request) => request.headers['x-service'] ?? request.auth!.id, { 'x-service': 'mail' }],
    ['sends less', (request) => request.headers['authorization'] && request.auth!.id, {}],
    ['is like any other', async (request) => (await later(0), request.auth!.id), {}],
  ])('finds out what identity is, also where the first caller %s', async (_which, user, first) => {
    const policies = { auth: [{ key: (context: ExecutionContext) => `own:${requestOf(context).auth?.id}` }] };
    const { get } = await boot(adapter, { keys: { user } }, guarded(policies));
    await get('/auth', first);
    expect(await statuses(get, '/auth', 3, { authorization: 'ann' })).toEqual([200, 200, 429]);
    expect(await statuses(get, '/auth', 1, { authorization: 'bob' })).toEqual([200]);
  });

  it('a reader that writes on the request leaves nothing there before it is needed', async () => {
    const found: unknown[] = [];
    class Witness implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        return found.push(requestOf(context).auth) > 0;
      }
    }
    const policies = { own: [{ key: () => 'all', limit: 9 }, { key: byUser }] };
    const user = (request: WithUser) => (request.auth = { id: request.headers['authorization'] ?? 'nobody' }).id;
    const { get } = await boot(adapter, { keys: { user } }, guarded(policies, [Witness]));
    expect(await statuses(get, '/own', 3, { authorization: 'ann' })).toEqual([200, 200, 429]);
    expect(found).toEqual([undefined, undefined, undefined]);
  });

  it('a caller who leaves out the Host moves no policy', async () => {
    const policies = { host: [{ key: (context: ExecutionContext) => `page:${String(requestOf(context).hostname)}` }] };
    const keys: RateLimitModuleOptions['keys'] = {
      user: (request) => (request as WithUser).hostname && (request as WithUser).auth?.id,
    };
    const { url } = await boot(adapter, { keys }, guarded(policies));
    const found: string[] = [];
    for (let i = 0; i < 3; i++) found.push(await rawStatus(url, 'GET /host HTTP/1.0\r\n\r\n'));
    expect(found).toEqual(['401', '401', '429']);
  });

  it('is decided late without a guard too, and is not tried where the user is known before', async () => {
    const policies = { open: [{ key: (context: ExecutionContext) => userOf(context) ?? 'nobody' }] };
    const bare = await boot(adapter, {}, guarded(policies, []));
    expect(await statuses(bare.get, '/open', 3)).toEqual([200, 200, 429]);
    expect(warnings).toHaveLength(1);

    const authenticate = (request: WithUser, _response: unknown, next: () => void) => {
      request.user = { id: 'middleware' };
      next();
    };
    const known = await boot(
      adapter,
      {},
      {
        ...guarded(policies),
        prepare: (nest) =>
          adapter === 'express'
            ? nest.use(authenticate)
            : (nest.getHttpAdapter().getInstance() as FastifyInstance).addHook('onRequest', async (request) =>
                authenticate(request as never, undefined, () => {}),
              ),
      },
    );
    // Early: refused ones are counted.
    expect(await statuses(known.get, '/open', 3)).toEqual([401, 401, 429]);
    expect(warnings).toHaveLength(1);
  });

  it('is decided where the guard stands with guard: false', async () => {
    const policies = { own: [{ key: (context: ExecutionContext) => userOf(context) ?? 'nobody' }] };
    const { get } = await boot(adapter, { guard: false }, guarded(policies, [LoginGuard, RateLimitGuard]));
    expect(await statuses(get, '/own', 3, { authorization: 'ann' })).toEqual([200, 200, 429]);
    expect(warnings).toEqual([]);
  });

  it('governs as a default and on a controller too', async () => {
    @Controller()
    @UseGuards(LoginGuard)
    @RateLimit({ name: 'ofClass', limit: 2, window: '1h', key: () => 'all' })
    class ClassController {
      @Get('calm')
      calm() {}
    }
    const options: RateLimitModuleOptions = {
      policies: { byTeam: { limit: 3, window: '1h', key: (context) => userOf(context) } },
      default: ['byTeam'],
    };
    const { get } = await boot(adapter, options, { controllers: [ClassController] });
    const answer = await get('/calm', { authorization: 'ann' });
    expect(answer.headers.get('ratelimit')?.replace(/;t=\d+/g, '')).toBe('"ofClass";r=1, "byTeam";r=2');
    expect(await statuses(get, '/calm', 2)).toEqual([401, 429]);
    expect(warnings).toHaveLength(1);
  });

  it('a lookup whose attempt is discarded leaves nothing behind', async () => {
    let lookups = 0;
    let mood: 'sync' | 'async' | 'throw' = 'sync';
    const resolve = async (context: ExecutionContext): Promise<Resolved> => {
      lookups++;
      if (mood !== 'sync') await later(0);
      if (mood === 'throw') return { limit: requestOf(context).user!.id.length };
      return { limit: userOf(context) ? 2 : 1 };
    };
    const lookup = (by: (context: ExecutionContext) => string | undefined) => [
      {
        limit: 9,
        key: (context: ExecutionContext) => headerOf(context, 'authorization'),
        resolve,
        resolveCache: { by, for: '30s' as const },
      },
    ];
    const policies = {
      nobody: lookup((context) => userOf(context) ?? 'nobody'),
      same: lookup((context) => headerOf(context, 'x-plan')),
    };
    const { get } = await boot(adapter, {}, guarded(policies));
    // `by` reads the user: what is found for nobody is not found for ann.
    await get('/nobody');
    expect(lookups).toBe(0);
    expect(await statuses(get, '/nobody', 3, { authorization: 'ann' })).toEqual([200, 200, 429]);
    // `resolve` reads it, and `by` does not: the attempt's answer, or its failure, is not kept.
    for (mood of ['sync', 'async', 'throw'] as const) {
      const headers = { authorization: 'ann', 'x-plan': mood };
      const limits = await Promise.all(
        [1, 2].map(async () => (await get('/same', headers)).headers.get('ratelimit-policy')),
      );
      const found = `"resolved";q=${mood === 'throw' ? 3 : 2};w=3600`;
      expect([mood, ...limits]).toEqual([mood, found, found]);
    }
    expect(warnings.filter((line) => line.includes('resolve of'))).toEqual([]);
  });

  it('an early one that fails for want of the user says so', async () => {
    const policies = {
      skip: [{ skip: (context: ExecutionContext) => requestOf(context).user!.id === 'root' }],
      limit: [{ limit: (context: ExecutionContext) => Number(userOf(context)) }],
      client: [
        {
          cost: (context: ExecutionContext) => {
            if (!userOf(context)) throw new UnauthorizedException();
            return 1;
          },
        },
      ],
    };
    const { get } = await boot(adapter, {}, guarded(policies));
    expect(await statuses(get, '/skip', 2)).toEqual([500, 500]);
    expect((await get('/limit')).status).toBe(500);
    expect((await get('/client')).status).toBe(401);
    const fix =
      "Give the policy phase: 'late' to decide it after your guards; requests that a guard refuses are then not counted by it.";
    expect([...new Set(errors)]).toEqual([
      `RateLimitError: RL_TOO_EARLY: GuardedController.skip: the skip function of the policy "2-per-1h" read request.user before your guards set it, and failed: Cannot read properties of undefined (reading 'id'). ${fix}`,
      `RateLimitError: RL_LIMIT_INVALID: GuardedController.limit: the limit function of the policy "per-1h" read request.user before your guards set it, and failed: per-1h: limit must be a whole number from 0 to 999999999999999, got NaN (is an environment variable missing?). ${fix}`,
    ]);
    expect(warnings).toHaveLength(3);
  });
});

it('watches a property that Fastify decorates requests with, and gives it back', async () => {
  const policies = {
    own: [{ key: (context: ExecutionContext) => requestOf(context).user!.id }],
    calm: [{ key: () => 'all' }],
  };
  const { get } = await boot(
    'fastify',
    {},
    {
      ...guarded(policies),
      prepare: (nest) => void (nest.getHttpAdapter().getInstance() as FastifyInstance).decorateRequest('user', null),
    },
  );
  expect(await statuses(get, '/own', 3, { authorization: 'ann' })).toEqual([200, 200, 429]);
  expect(await statuses(get, '/own', 1, { authorization: 'bob' })).toEqual([200]);
  expect(await statuses(get, '/calm', 3)).toEqual([401, 401, 429]);
  expect(LoginGuard.seen[0]).toEqual({ value: null, writable: true, enumerable: true, configurable: true });
});

it('watches a property that a prototype says', async () => {
  const policies = { own: [{ key: (context: ExecutionContext) => requestOf(context).user!.id }] };
  const { get } = await boot(
    'fastify',
    {},
    {
      ...guarded(policies),
      prepare: (nest) => {
        const users = new WeakMap<object, unknown>();
        const user = {
          getter(this: object) {
            return users.get(this) ?? null;
          },
          setter(this: object, value: unknown) {
            users.set(this, value);
          },
        };
        (nest.getHttpAdapter().getInstance() as FastifyInstance).decorateRequest('user', user);
      },
    },
  );
  for (const authorization of ['ann', 'bob'])
    expect(await statuses(get, '/own', 3, { authorization })).toEqual([200, 200, 429]);
  expect(LoginGuard.seen[0]).toBeUndefined();
});

it('watches a property whose getter throws while nobody is known', async () => {
  const policies = {
    own: [{ key: (context: ExecutionContext) => requestOf(context).user!.id }],
    calm: [{ key: () => 'all' }],
  };
  const { get } = await boot(
    'express',
    {},
    {
      ...guarded(policies),
      prepare: (nest) =>
        nest.use((request: object, _response: unknown, next: () => void) => {
          let user: unknown;
          Object.defineProperty(request, 'user', {
            configurable: true,
            get() {
              if (!user) throw new UnauthorizedException();
              return user;
            },
            set: (value) => void (user = value),
          });
          next();
        }),
    },
  );
  for (const authorization of ['ann', 'bob'])
    expect(await statuses(get, '/own', 3, { authorization })).toEqual([200, 200, 429]);
  expect(await statuses(get, '/calm', 3, { authorization: 'ann' })).toEqual([200, 200, 429]);
  expect(errors).toEqual([]);
});
