import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  byApiKey,
  byIp,
  byTenant,
  byUser,
  definePolicy,
  MemoryStore,
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  SkipRateLimit,
  type Hit,
  type ListEntry,
  type RateLimitModuleExtras,
  type RateLimitModuleOptions,
  type RateLimitStore,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { soonAfter } from '../support/soon-after.js';

/** Takes the caller's word for who he is. */
@Injectable()
class Authentication implements CanActivate {
  static asked = 0;

  canActivate(context: ExecutionContext): boolean {
    Authentication.asked++;
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
    const id = request.headers['x-user'];
    if (id) request.user = { id };
    return true;
  }
}

/** Counts what it is asked. */
class CountingStore implements RateLimitStore {
  private readonly store = new MemoryStore();
  readonly hits: string[] = [];
  calls = 0;

  consume(hits: readonly Hit[]) {
    this.calls++;
    this.hits.push(...hits.map(({ policy, key }) => `${policy.name} ${key}`));
    return this.store.consume(hits);
  }

  reset(...of: Parameters<RateLimitStore['reset']>) {
    return this.store.reset(...of);
  }
}

@Controller()
class ListsController {
  @Get('default')
  limited() {}

  @Get('free')
  @SkipRateLimit()
  free() {}

  @Get('user')
  @RateLimit({ name: 'daily', limit: 100, window: '1d', key: byUser })
  @UseGuards(Authentication)
  user() {}

  @Get('key')
  @RateLimit({ name: 'keyed', limit: 100, window: '1d', key: byApiKey })
  key() {}
}

const policies = { burst: { limit: 2, window: '1h' } } as const;
const base = { policies, default: ['burst'] };

let server: Server;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server?.stop());
afterEach(async () => {
  Authentication.asked = 0;
  await closeApps();
  closeClients();
});

/** An application behind a proxy that is trusted: X-Forwarded-For says who asks. */
async function start(
  adapter: Adapter,
  options: RateLimitModuleOptions & RateLimitModuleExtras,
  controllers: Type[] = [ListsController],
) {
  const app = await boot(adapter === 'fastify' ? new FastifyAdapter({ trustProxy: '127.0.0.1' }) : adapter, options, {
    controllers,
    prepare: (nest) => {
      if (adapter === 'express') (nest as NestExpressApplication).set('trust proxy', 1);
    },
  });
  const ask = (path: string, address = '192.0.2.1', headers: Record<string, string> = {}) =>
    app.get(path, { 'x-forwarded-for': address, ...headers });
  const status = async (...of: Parameters<typeof ask>) => (await ask(...of)).status;
  return { ...app, ask, status, limiter: app.nest.get(RateLimiter) };
}

const rateLimitFields = (response: Response) => [...response.headers.keys()].filter((name) => /rate-?limit/.test(name));

describe.each(adapters)("the module's lists, on %s", (adapter) => {
  it('who is allowed is under no policy: nothing is asked, no field is sent', async () => {
    const store = new CountingStore();
    const { ask, status } = await start(adapter, { ...base, store, allow: ['203.0.113.0/24', '2001:db8::/32'] });
    for (const address of ['203.0.113.7', '::ffff:203.0.113.8', '2001:db8:1:2::3']) {
      for (let i = 0; i < 3; i++) {
        const response = await ask('/default', address);
        expect([response.status, rateLimitFields(response)]).toEqual([200, []]);
      }
    }
    expect(store.calls).toBe(0);
    expect([await status('/default'), await status('/default'), await status('/default')]).toEqual([200, 200, 429]);
  });

  it('who is denied meets 403, before anything is charged and before the guards', async () => {
    const store = new CountingStore();
    const { ask, status } = await start(adapter, { ...base, store, deny: ['203.0.113.7', '2001:db8::/48'] });
    for (const [path, address] of [
      ['/default', '203.0.113.7'],
      ['/user', '::ffff:203.0.113.7'],
      ['/user', '2001:db8:0:9::1'],
    ] as const) {
      const response = await ask(path, address);
      expect(response.status).toBe(403);
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('retry-after')).toBeNull();
      expect(rateLimitFields(response)).toEqual([]);
      expect(await response.json()).toEqual({
        type: 'about:blank',
        title: 'Forbidden',
        status: 403,
        detail: 'Requests of this client are refused.',
        message: 'Requests of this client are refused.',
        'violated-policies': [],
      });
    }
    expect([store.calls, Authentication.asked]).toEqual([0, 0]);
    expect(await status('/user', '203.0.113.8')).toBe(200);
  });

  it('who is denied with 429 is told of abnormal usage, and never when to come back', async () => {
    const { ask } = await start(adapter, { ...base, deny: { list: ['203.0.113.7'], status: 429 } });
    const response = await ask('/default', '203.0.113.7');
    expect(response.status).toBe(429);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('retry-after')).toBeNull();
    expect(await response.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
      title: 'Request not satisfied due to detection of abnormal request pattern',
      status: 429,
      detail: 'Requests of this client are refused.',
      message: 'Requests of this client are refused.',
      'violated-policies': [],
    });
  });

  it('denies on handlers without a policy too, as with @SkipRateLimit', async () => {
    const { status } = await start(adapter, { ...base, deny: ['203.0.113.7'] });
    expect([await status('/free', '203.0.113.7'), await status('/free')]).toEqual([403, 200]);
    const bare = await start(adapter, { deny: ['203.0.113.7'] });
    expect([await bare.status('/default', '203.0.113.7'), await bare.status('/default')]).toEqual([403, 200]);
  });

  it('compares the address itself, however the key is cut', async () => {
    const store = new CountingStore();
    const lists = { allow: ['2001:db8::1'], deny: ['2001:db8::2/128'] };
    const { status } = await start(adapter, { ...base, store, ...lists });
    expect(await status('/default', '2001:db8::1')).toBe(200);
    expect(store.hits).toEqual([]);
    expect(await status('/default', '2001:db8::2')).toBe(403);
    expect(await status('/default', '2001:db8::3')).toBe(200);
    expect(store.hits).toEqual(['burst ip:2001:db8::/64']);
  });

  it('deny whom they allow', async () => {
    const lists = { allow: ['10.0.0.0/8', 'user:1'], deny: ['10.6.6.6', '10.7.0.0/16', 'user:2', 'user:1'] };
    const { status } = await start(adapter, { ...base, ...lists });
    expect(await status('/default', '10.6.6.6')).toBe(403);
    expect(await status('/default', '10.7.0.1')).toBe(403);
    expect(await status('/user', '10.0.0.1', { 'x-user': '1' })).toBe(403);
    expect(await status('/user', '10.0.0.1', { 'x-user': '2' })).toBe(403);
    expect(await status('/user', '10.0.0.1', { 'x-user': '3' })).toBe(200);
  });

  it('know a key from the phase on in which a policy counts by it', async () => {
    const store = new CountingStore();
    const lists = { allow: ['user:1'], deny: ['user:2'] };
    const { ask, status } = await start(adapter, { ...base, store, ...lists });
    const allowed = await ask('/user', '192.0.2.1', { 'x-user': '1' });
    // The early phase did not know him yet.
    expect([allowed.status, allowed.headers.get('ratelimit')]).toEqual([200, soonAfter('"burst";r=1;t=3600')]);
    const denied = await ask('/user', '192.0.2.2', { 'x-user': '2' });
    expect([denied.status, denied.headers.get('cache-control')]).toEqual([403, 'no-store']);
    expect(await status('/user', '192.0.2.3', { 'x-user': '3' })).toBe(200);
    expect(store.hits).toEqual(['burst ip:192.0.2.1', 'burst ip:192.0.2.2', 'burst ip:192.0.2.3', 'daily user:3']);
    // Where no policy counts by user, nobody knows him.
    expect(await status('/default', '192.0.2.2', { 'x-user': '2' })).toBe(200);
  });

  it('take API keys as they are sent', async () => {
    const store = new CountingStore();
    const lists = { allow: [{ apiKey: 'partner' }], deny: [{ apiKey: 'leaked' }] };
    const { status } = await start(adapter, { ...base, store, ...lists });
    for (let i = 0; i < 3; i++) expect(await status('/key', '192.0.2.1', { 'x-api-key': 'partner' })).toBe(200);
    expect(await status('/key', '192.0.2.1', { 'x-api-key': 'leaked' })).toBe(403);
    expect(store.calls).toBe(0);
    expect(await status('/key', '192.0.2.1', { 'x-api-key': 'partner2' })).toBe(200);
    expect(store.calls).toBe(1);
  });

  it('know an API key whatever the policies count by, also where there is none', async () => {
    const store = new CountingStore();
    const lists = { allow: [{ apiKey: 'partner' }], deny: [{ apiKey: 'leaked' }] };
    const { status } = await start(adapter, { ...base, store, ...lists });
    for (const path of ['/default', '/user', '/free']) {
      expect(await status(path, '192.0.2.1', { 'x-api-key': 'partner', 'x-user': '1' })).toBe(200);
      expect(await status(path, '192.0.2.1', { 'x-api-key': 'leaked' })).toBe(403);
    }
    expect(store.calls).toBe(0);
  });

  it('deny an API key that comes from an address they allow', async () => {
    @Controller()
    class Listed {
      @Get('listed')
      @RateLimit({ name: 'hourly', limit: 5, window: '1h', allow: ['192.0.2.1'], deny: [{ apiKey: 'stolen' }] })
      listed() {}
    }
    const store = new CountingStore();
    const own = { allow: ['192.0.2.1'], deny: [{ apiKey: 'stolen' }] };
    const { status } = await start(adapter, { ...base, store, ...own });
    expect(await status('/default', '192.0.2.1', { 'x-api-key': 'stolen' })).toBe(403);
    expect(await status('/default', '192.0.2.1', { 'x-api-key': 'other' })).toBe(200);
    const bare = await start(adapter, { store }, [Listed]);
    expect(await bare.status('/listed', '192.0.2.1', { 'x-api-key': 'stolen' })).toBe(403);
    expect(await bare.status('/listed', '192.0.2.1', { 'x-api-key': 'other' })).toBe(200);
    expect(store.calls).toBe(0);
  });

  it('of a policy know an API key whatever it counts by', async () => {
    @Controller()
    class Listed {
      @Get('listed')
      @RateLimit({ name: 'hourly', limit: 1, window: '1h', allow: [{ apiKey: 'ours' }], deny: [{ apiKey: 'leaked' }] })
      listed() {}
    }
    const store = new CountingStore();
    const { status } = await start(adapter, { store }, [Listed]);
    const answers = [];
    for (const key of ['ours', 'ours', 'leaked', 'other', 'other']) {
      answers.push(await status('/listed', '192.0.2.1', { 'x-api-key': key }));
    }
    expect(answers).toEqual([200, 200, 403, 200, 429]);
  });

  it('hold where RateLimitGuard is bound by hand, and nowhere else', async () => {
    @Controller()
    class ByHand {
      @Get('guarded')
      @UseGuards(Authentication, RateLimitGuard)
      @RateLimit({ name: 'daily', limit: 1, window: '1d', key: byUser })
      guarded() {}

      @Get('bare')
      bare() {}
    }
    const store = new CountingStore();
    const lists = { allow: ['203.0.113.1', 'user:1'], deny: ['203.0.113.2', 'user:2'] };
    const { status } = await start(adapter, { ...base, store, guard: false, ...lists }, [ByHand]);
    expect(await status('/guarded', '203.0.113.1')).toBe(200);
    expect(await status('/guarded', '203.0.113.2')).toBe(403);
    expect(await status('/guarded', '192.0.2.1', { 'x-user': '1' })).toBe(200);
    expect(await status('/guarded', '192.0.2.1', { 'x-user': '2' })).toBe(403);
    expect(store.calls).toBe(0);
    expect(await status('/bare', '203.0.113.2')).toBe(200);
  });
});

describe.each(adapters)("a policy's lists, on %s", (adapter) => {
  const keys = { tenantHeader: 'x-tenant-id' };

  @Controller()
  class TwoController {
    @Get('two')
    @RateLimit(
      { name: 'one', limit: 5, window: '1h', allow: ['10.0.0.0/8', 'ip:192.0.2.9'], deny: ['10.6.6.6'] },
      {
        name: 'two',
        limit: 5,
        window: '1h',
        key: byTenant,
        phase: 'early',
        allow: ['tenant:acme'],
        deny: ['tenant:x'],
      },
    )
    two() {}
  }

  it('free from that policy, and not from the others', async () => {
    const store = new CountingStore();
    const { ask } = await start(adapter, { store, keys }, [TwoController]);
    const fields = async (address: string, tenant: string) =>
      (await ask('/two', address, { 'x-tenant-id': tenant })).headers.get('ratelimit');
    expect(await fields('10.1.1.1', 'b')).toEqual(soonAfter('"two";r=4;t=3600'));
    expect(await fields('192.0.2.9', 'b')).toEqual(soonAfter('"two";r=3;t=3600'));
    expect(await fields('192.0.2.1', 'acme')).toEqual(soonAfter('"one";r=4;t=3600'));
    expect(await fields('10.1.1.1', 'acme')).toBeNull();
    expect(store.calls).toBe(3);
  });

  it('refuse the request, and nothing is charged to the others', async () => {
    const store = new CountingStore();
    const { ask } = await start(adapter, { store, keys }, [TwoController]);
    for (const [address, tenant, policy] of [
      ['10.6.6.6', 'b', 'one'],
      ['192.0.2.1', 'x', 'two'],
    ] as const) {
      const response = await ask('/two', address, { 'x-tenant-id': tenant });
      expect(response.status).toBe(403);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({ status: 403, 'violated-policies': [policy] });
    }
    expect(store.calls).toBe(0);
  });

  it('deny whom the module allows, and the module denies whom they allow', async () => {
    const lists = { allow: ['10.0.0.0/8'], deny: ['192.0.2.9', 'tenant:acme'] };
    const { status } = await start(adapter, { ...lists, keys }, [TwoController]);
    expect(await status('/two', '10.6.6.6')).toBe(403);
    expect(await status('/two', '192.0.2.9')).toBe(403);
    expect(await status('/two', '10.0.0.1', { 'x-tenant-id': 'acme' })).toBe(403);
    expect(await status('/two', '10.0.0.1', { 'x-tenant-id': 'x' })).toBe(403);
    expect(await status('/two', '10.0.0.1', { 'x-tenant-id': 'b' })).toBe(200);
  });

  it("are the catalogue's unless a route gives others, which take their place", async () => {
    @Controller()
    class UsesController {
      @Get('catalogue')
      @RateLimit('listed')
      catalogue() {}

      @Get('other')
      @RateLimit({ name: 'listed', deny: ['203.0.113.2'] })
      other() {}

      @Get('one')
      @RateLimit({ name: 'listed', allow: ['203.0.113.2'] })
      one() {}

      @Get('none')
      @RateLimit({ name: 'listed', allow: [], deny: [] })
      none() {}
    }
    const listed = { limit: 100, window: '1h', allow: ['203.0.113.9'], deny: ['203.0.113.1'] } as const;
    const { ask } = await start(adapter, { policies: { listed } }, [UsesController]);
    const answers = async (path: string) => {
      const responses = await Promise.all(['1', '2', '9'].map((last) => ask(path, `203.0.113.${last}`)));
      return responses.map((response) => (response.headers.has('ratelimit') ? 'counted' : response.status));
    };
    expect(await answers('/catalogue')).toEqual([403, 'counted', 200]);
    expect(await answers('/other')).toEqual(['counted', 403, 200]);
    expect(await answers('/one')).toEqual([403, 200, 'counted']);
    expect(await answers('/none')).toEqual(['counted', 'counted', 'counted']);
  });

  it('are not looked at where the policy is skipped', async () => {
    @Controller()
    class SkippedController {
      @Get('skipped')
      @RateLimit({ limit: 5, window: '1h', deny: ['0.0.0.0/0'], skip: () => true })
      skipped() {}
    }
    const { status } = await start(adapter, {}, [SkippedController]);
    expect(await status('/skipped')).toBe(200);
  });
});

describe('RateLimiter', () => {
  const lists = { allow: ['10.0.0.0/8', 'user:1'] as ListEntry[], deny: ['10.6.6.6', 'user:2'] as ListEntry[] };
  const listed = { limit: 5, window: '1h', allow: ['user:3', '2001:db8::/32'], deny: ['user:4', 'user:1'] } as const;

  it.each([
    ['of the module, allowed', 'burst', 'user:1', 'allow'],
    ['of the module, denied', 'burst', 'user:2', 'deny'],
    ['of the module, an address allowed', 'burst', 'ip:10.0.0.1', 'allow'],
    ['of the module, an address denied', 'burst', 'ip:10.6.6.6', 'deny'],
    ['of the policy, allowed', 'listed', 'user:3', 'allow'],
    ['of the policy, denied', 'listed', 'user:4', 'deny'],
    ['of the policy, a client by its /64', 'listed', 'ip:2001:db8:1:2::/64', 'allow'],
    ['of both, denied by one', 'listed', 'user:1', 'deny'],
    [
      'of the policy, spelled out elsewhere',
      definePolicy({ name: 'listed', limit: 5, window: '1h' }),
      'user:3',
      'allow',
    ],
    ['of the module, of a policy of its own', { name: 'jobs', limit: 1, window: '1h' }, 'user:2', 'deny'],
  ] as const)('goes by the lists %s, and asks nobody', async (_, policy, key, verdict) => {
    const store = new CountingStore();
    const { limiter } = await start('express', { policies: { ...policies, listed }, store, ...lists });
    const name = typeof policy === 'string' ? policy : policy.name;
    const limit = { burst: 2, listed: 5, jobs: 1 }[name]!;
    for (const cost of [1, 0, 100, -1]) {
      expect(await limiter.consume(policy, key, { cost })).toEqual(
        verdict === 'allow'
          ? { allowed: true, limit, remaining: limit, resetAfter: 0, retryAfter: 0, by: 'list' }
          : { allowed: false, limit, remaining: 0, resetAfter: 0, retryAfter: -1, by: 'list' },
      );
    }
    expect(await limiter.peek(policy, key)).toMatchObject({ by: 'list', allowed: verdict === 'allow' });
    expect(store.calls).toBe(0);
  });

  it('tells of a full quota what the policy holds', async () => {
    const bucket = { limit: 5, window: '1s', algorithm: 'token-bucket', burst: 20, allow: ['user:1'] } as const;
    const { limiter } = await start('express', { policies: { bucket } });
    expect(await limiter.consume('bucket', 'user:1')).toMatchObject({ limit: 5, remaining: 20 });
  });

  it('says nothing of lists where none names the key, and refuses what is wrong all the same', async () => {
    const { limiter } = await start('express', { policies: { ...policies, listed }, ...lists });
    expect(await limiter.consume('listed', 'user:5')).toMatchObject({ by: 'store' });
    await expect(limiter.consume('listed', 'user:3', { cost: 1.5 })).rejects.toThrow('RL_COST_INVALID');
    await expect(limiter.consume('listed', 3 as never)).rejects.toThrow('RL_KEY_INVALID');
  });

  it('resets whom a list names too: what is stored was there before', async () => {
    const { limiter } = await start('express', { policies: { ...policies, listed }, ...lists });
    await expect(limiter.reset('listed', 'user:4')).resolves.toBeUndefined();
  });
});

describe.each(adapters)('on Redis, on %s', (adapter) => {
  it('neither who is allowed nor who is denied costs a command', async () => {
    // Nothing is asked but for requests.
    const options = { ...base, redis: server.url, prefix: `lists-${adapter}`, liveLimits: false } as const;
    const lists = { allow: ['203.0.113.1', { apiKey: 'partner' }], deny: ['203.0.113.2', 'user:2'] };
    const { status, limiter } = await start(adapter, { ...options, ...lists });
    expect(await status('/default')).toBe(200);
    const calls = async () => {
      const told = await connectTo(server.url).info('commandstats');
      // What ioredis asks a connection by itself, and we ask here.
      return [...told.matchAll(/^cmdstat_(?!info|client|hello|ping|select)(\S+):calls=(\d+)/gm)].map(([, ...of]) => of);
    };
    const before = await calls();
    for (let i = 0; i < 5; i++) {
      expect(await status('/default', '203.0.113.1')).toBe(200);
      expect(await status('/key', '203.0.113.1')).toBe(200);
      expect(await status('/default', '203.0.113.2')).toBe(403);
      expect((await limiter.consume('burst', 'ip:203.0.113.1')).allowed).toBe(true);
      expect((await limiter.consume('burst', 'user:2')).allowed).toBe(false);
    }
    expect(await status('/key', '192.0.2.8', { 'x-api-key': 'partner' })).toBe(200);
    expect(await calls()).toEqual(before);
    expect([await status('/default'), await status('/default')]).toEqual([200, 429]);
  });
});

describe('a mistake in a list ends the start and names its place', () => {
  const lone = { limit: 1, window: '1h' } as const;
  @Controller()
  class CatsController {
    @Get()
    @RateLimit({ ...lone, key: byIp, allow: ['10.1.2.3/8'] })
    find() {}
  }

  it.each<[RateLimitModuleOptions, Type[], string]>([
    [{ allow: ['127.0.0.1', '10.0.0.0/33'] }, [], 'RL_LIST_INVALID: allow[1]: "10.0.0.0/33" is not a CIDR range'],
    [{ deny: { list: ['localhost'] } }, [], 'RL_LIST_INVALID: deny.list[0] must be an address, a range, or a key'],
    [{ deny: { list: [], status: 401 as never } }, [], 'RL_LIST_INVALID: deny.status must be 403 or 429, got 401'],
    [
      { policies: { login: { ...lone, deny: ['300.1.1.1'] } } },
      [],
      'RL_LIST_INVALID: policies.login: login: deny[0]: "300.1.1.1" is neither an address',
    ],
    [
      {},
      [CatsController],
      'RL_LIST_INVALID: CatsController.find: 1-per-1h: allow[0]: "10.1.2.3/8" is not the first address',
    ],
  ])('%j', async (options, controllers, message) => {
    await expect(boot('express', options, { controllers })).rejects.toThrow(message);
  });
});
