import { Controller, Get, type ExecutionContext } from '@nestjs/common';
import { byHeader, RateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';

@Controller()
class ReportsController {
  @Get()
  @RateLimit('plan')
  reports() {}
}

let lookups = 0;
beforeEach(() => (lookups = 0));
afterEach(closeApps);

/** The lookup says who pays: the account of the tenant that the header names. */
const resolve = async (context: ExecutionContext) => {
  lookups++;
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
  return { limit: 2, key: `account:${headers['x-tenant'] ?? 'none'}` };
};

const start = (adapter: (typeof adapters)[number], lists: Partial<RateLimitModuleOptions>, ofPolicy: object = {}) =>
  boot(
    adapter,
    { ...lists, policies: { plan: { limit: 1, window: '1h', key: byHeader('x-tenant'), resolve, ...ofPolicy } } },
    { controllers: [ReportsController] },
  );

describe.each(adapters)('a policy from a lookup, and lists, on %s', (adapter) => {
  const statuses = async (
    get: (path: string, headers: Record<string, string>) => Promise<Response>,
    tenant: string,
  ) => {
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push((await get('/', { 'x-tenant': tenant })).status);
    return answers;
  };

  it('judges the key that the lookup found by the lists of the policy and of the module', async () => {
    const { get } = await start(adapter, { deny: ['account:evil'] }, { allow: ['account:friend'] });
    expect(await statuses(get, 'friend')).toEqual([200, 200, 200]);
    expect(await statuses(get, 'evil')).toEqual([403, 403, 403]);
    expect(await statuses(get, 'other')).toEqual([200, 200, 429]);
  });

  it('looks nothing up for whom a list allows or denies by his address', async () => {
    const allowed = await start(adapter, {}, { allow: ['127.0.0.1'] });
    expect(await statuses(allowed.get, 'any')).toEqual([200, 200, 200]);
    const denied = await start(adapter, {}, { deny: ['127.0.0.1'] });
    expect(await statuses(denied.get, 'any')).toEqual([403, 403, 403]);
    const neither = await start(adapter, { allow: ['127.0.0.1'] });
    expect(await statuses(neither.get, 'any')).toEqual([200, 200, 200]);
    expect(lookups).toBe(0);
  });
});
