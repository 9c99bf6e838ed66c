import { jest } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Logger,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  byHeader,
  byIp,
  byTenant,
  definePolicy,
  RateLimit,
  RateLimiter,
  RateLimitGuard,
  type RateLimitModuleOptions,
  type Resolved,
} from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { soonAfter } from '../support/soon-after.js';

interface Request {
  headers: Record<string, string | undefined>;
  user?: { tenantId?: string | undefined };
}
const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<Request>();
const tenantOf = (context: ExecutionContext) => requestOf(context).headers['x-tenant-id'] ?? 'nobody';

/** What the database says of tenants, and how often it was asked. */
const plans = new Map<string, unknown>();
let lookups = 0;
async function planOf(context: ExecutionContext): Promise<Resolved> {
  lookups++;
  await new Promise(setImmediate);
  const plan = plans.get(tenantOf(context));
  if (plan instanceof Error) throw plan;
  return plan === 'never' ? new Promise(() => {}) : (plan as Resolved);
}

/** Knows the tenant only once it has run. */
@Injectable()
class TenantGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    request.user = { tenantId: request.headers['x-tenant'] };
    return true;
  }
}

@Controller()
class ReportsController {
  @Get('reports')
  @RateLimit('plan')
  reports() {}

  @Get('exports')
  @RateLimit({ name: 'plan', cost: 2 })
  exports() {}

  @Get('beside')
  @RateLimit('plan', { name: 'beside', limit: 2, window: '1h' })
  beside() {}

  @Get('twice')
  @UseGuards(RateLimitGuard, RateLimitGuard)
  @RateLimit('plan')
  twice() {}

  @Get('late')
  @UseGuards(TenantGuard)
  @RateLimit({
    name: 'late',
    limit: 1,
    window: '1h',
    resolve: (context) => (lookups++, { limit: requestOf(context).user?.tenantId === 'acme' ? 9 : 2 }),
    resolveCache: { by: byTenant, for: '30s' },
  })
  late() {}

  @Get('unnamed')
  @RateLimit({ limit: 5, window: '1h', resolve: () => ({ limit: 7 }) })
  unnamed() {}

  @Get('body')
  @RateLimit({
    name: 'body',
    limit: 10,
    window: '1h',
    cost: async (context) => Number(requestOf(context).headers['x-cost']),
    resolve: () => undefined,
  })
  body() {}

  @Get('skipped')
  @RateLimit({ name: 'skipped', limit: 1, window: '1h', skip: async () => true, resolve: planOf })
  skipped() {}
}

const plan: NonNullable<RateLimitModuleOptions['policies']>[string] = {
  limit: 3,
  window: '1h',
  key: byHeader('x-tenant-id'),
  resolve: planOf,
  resolveCache: { by: byHeader('x-tenant-id'), for: '30s' },
  resolveTimeout: 20_000,
};

let warnings: string[];
beforeEach(() => {
  plans.clear();
  lookups = 0;
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
});
afterEach(async () => {
  await closeApps();
  jest.restoreAllMocks();
});

/** What an answer says: its status, the policy's numbers, what is left. */
async function said(answer: Promise<Response>): Promise<[number, string | undefined, number]> {
  const { status, headers } = await answer;
  const left = /"plan";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  return [status, /"plan"[^,]*/.exec(headers.get('ratelimit-policy') ?? '')?.[0], Number(left)];
}

const as = (tenant: string) => ({ 'x-tenant-id': tenant });
const news = () => warnings.filter((line) => line.includes('resolve'));

describe.each(adapters)('a policy that is looked up, on %s', (adapter) => {
  const start = (given: RateLimitModuleOptions = {}, policy = plan) =>
    boot(adapter, { policies: { plan: policy }, ...given }, { controllers: [ReportsController] });

  it('gives each tenant what is his: limit, window, and who pays', async () => {
    plans
      .set('acme', { limit: 10, window: '1d' })
      .set('tiny', { limit: 1 })
      .set('tiny too', { limit: 1, key: 'owner' });
    plans.set('tiny three', { limit: 1, key: 'owner' });
    const { get } = await start();
    expect(await said(get('/reports', as('acme')))).toEqual([200, '"plan";q=10;w=86400', 9]);
    expect(await said(get('/reports', as('tiny')))).toEqual([200, '"plan";q=1;w=3600', 0]);
    expect(await said(get('/reports', as('tiny')))).toEqual([429, '"plan";q=1;w=3600', 0]);
    expect(await said(get('/reports', as('stranger')))).toEqual([200, '"plan";q=3;w=3600', 2]);
    expect(await said(get('/reports', as('acme')))).toEqual([200, '"plan";q=10;w=86400', 8]);
    expect((await get('/reports', as('tiny too'))).status).toBe(200);
    expect((await get('/reports', as('tiny three'))).status).toBe(429);
    expect([lookups, news()]).toEqual([5, []]);
  });

  it('costs what the lookup says, else what the route says', async () => {
    plans.set('pays', { limit: 10, cost: 5 }).set('does not', { limit: 10 });
    const { get } = await start();
    expect(await said(get('/exports', as('pays')))).toEqual([200, '"plan";q=10;w=3600', 5]);
    expect(await said(get('/exports', as('does not')))).toEqual([200, '"plan";q=10;w=3600', 8]);
    expect(await said(get('/reports', as('does not')))).toEqual([200, '"plan";q=10;w=3600', 7]);
    expect(lookups).toBe(2);
    expect((await get('/body', { 'x-cost': '4' })).headers.get('ratelimit')).toEqual(soonAfter('"body";r=6;t=3600'));
    expect((await get('/body', { 'x-cost': '-4' })).status).toBe(500);
  });

  it('a change takes effect when the answer is old, and keeps what was used under the same window', async () => {
    let later = 0;
    const { now } = performance;
    jest.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + later);
    plans.set('acme', { limit: 10 });
    const { get } = await start();
    await get('/reports', as('acme'));
    plans.set('acme', { limit: 20 });
    expect(await said(get('/reports', as('acme')))).toEqual([200, '"plan";q=10;w=3600', 8]);
    later = 30_000;
    expect(await said(get('/reports', as('acme')))).toEqual([200, '"plan";q=20;w=3600', 17]);
    plans.set('acme', { limit: 20, window: '1d' });
    later = 60_000;
    expect(await said(get('/reports', as('acme')))).toEqual([200, '"plan";q=20;w=86400', 19]);
    expect(lookups).toBe(3);
  });

  it('a crowd of one tenant is one lookup', async () => {
    plans.set('acme', { limit: 20 });
    const { get } = await start();
    const crowd = await Promise.all(Array.from({ length: 30 }, async () => (await get('/reports', as('acme'))).status));
    expect(crowd.filter((status) => status === 200)).toHaveLength(20);
    expect(lookups).toBe(1);
  });

  it.each<[string, unknown, RegExp]>([
    ['never answers', 'never', /^ReportsController.reports: resolve of "plan" gave no answer within 20 ms\./],
    ['fails', new Error('the database is away'), /resolve of "plan" failed: the database is away\./],
    ['answers nonsense', { limit: 'many' }, /resolve of "plan" returned a value .* RL_LIMIT_INVALID: .* got "many"\./],
  ])('one that %s leaves the own numbers, and one line in the log', async (_how, answer, line) => {
    plans.set('acme', answer);
    const { get } = await start({}, { ...plan, resolveTimeout: 20 });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await said(get('/reports', as('acme'))));
    expect(answers.map(([status, , left]) => [status, left])).toEqual([
      [200, 2],
      [200, 1],
      [200, 0],
      [429, 0],
    ]);
    expect(news()).toEqual([expect.stringMatching(line)]);
    expect(lookups).toBe(1);
  });

  it('an HttpException goes to the client, and nothing is charged', async () => {
    plans.set('acme', new ForbiddenException('suspended'));
    const { get } = await start();
    const refused = await get('/beside', as('acme'));
    expect([refused.status, refused.headers.get('ratelimit')]).toEqual([403, null]);
    plans.delete('acme');
    expect(await said(get('/beside', as('acme')))).toEqual([200, '"plan";q=3;w=3600', 2]);
    expect(news()).toEqual([]);
  });

  it('is charged with the others, or not at all', async () => {
    plans.set('acme', { limit: 10 });
    const { get } = await start();
    for (const [status, left] of [
      [200, 9],
      [200, 8],
      [429, 8],
      [429, 8],
    ]) {
      expect(await said(get('/beside', as('acme')))).toEqual([status, '"plan";q=10;w=3600', left]);
    }
  });

  it('is looked up once, however often the guard is bound', async () => {
    const { get } = await start({}, { ...plan, resolveCache: undefined });
    await get('/twice', as('acme'));
    expect(lookups).toBe(1);
  });

  it('is decided late, when what it is looked up by is', async () => {
    const { get } = await start();
    const limit = async (tenant: string) =>
      (await get('/late', { 'x-tenant': tenant })).headers.get('ratelimit-policy');
    expect([await limit('acme'), await limit('other'), await limit('acme')]).toEqual([
      '"late";q=9;w=3600',
      '"late";q=2;w=3600',
      '"late";q=9;w=3600',
    ]);
    expect(lookups).toBe(2);
  });

  it('without a name it is called resolved, and what is skipped is not looked up', async () => {
    const { get } = await start();
    expect((await get('/unnamed')).headers.get('ratelimit-policy')).toBe('"resolved";q=7;w=3600');
    expect([(await get('/skipped')).status, lookups]).toEqual([200, 0]);
  });

  it('asks a key of its own once, though the lookup goes by it too', async () => {
    let asked = 0;
    const byAccount = async () => (asked++, 'acme');
    const { get } = await start({}, { ...plan, key: byAccount, resolveCache: { by: byAccount, for: '30s' } });
    for (let i = 0; i < 2; i++) await get('/reports');
    expect(asked).toBe(2);
  });

  it('code without a request spells it out, and spends of the same quota', async () => {
    plans.set('acme', { limit: 10, key: 'tenant:acme' });
    const { get, nest } = await start();
    await get('/reports', as('acme'));
    const limiter = nest.get(RateLimiter);
    await expect(limiter.consume('plan', 'tenant:acme')).rejects.toThrow(
      'RL_POLICY_DYNAMIC: the policy "plan" looks up its numbers for each request; pass { name, limit, window } in place of the name',
    );
    const spelledOut = definePolicy({ name: 'plan', limit: 10, window: '1h' });
    expect(await limiter.consume(spelledOut, 'tenant:acme')).toMatchObject({ allowed: true, remaining: 8 });
  });
});

describe('on Redis', () => {
  let server: Server;
  beforeEach(async () => void (server = await startRedis()));
  afterEach(async () => {
    await closeApps();
    await server.stop();
  });

  it('tenants of one crowd get what is theirs, exactly, whatever their windows', async () => {
    const limits = [
      ['1h', 5],
      ['1d', 7],
      ['1m', 3],
      ['1h', 11],
    ] as const;
    limits.forEach(([window, limit], i) => plans.set(`tenant ${i}`, { limit, window }));
    const { get } = await boot(
      'fastify',
      {
        redis: server.url,
        timeout: 20_000,
        policies: { plan, burst: { limit: 1_000, window: '1h', key: byIp } },
        default: ['burst'],
      },
      { controllers: [ReportsController] },
    );
    const admitted = await Promise.all(
      limits.map(async (_, i) => {
        const asked = Array.from({ length: 15 }, async () => (await get('/reports', as(`tenant ${i}`))).status);
        return (await Promise.all(asked)).filter((status) => status === 200).length;
      }),
    );
    expect(admitted).toEqual(limits.map(([, limit]) => limit));
    expect(lookups).toBe(limits.length);
  });
});
