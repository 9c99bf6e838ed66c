import { Controller, Get } from '@nestjs/common';
import { byApiKey, RateLimit, RateLimiter, SkipRateLimit, type DecisionEvent } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';

@Controller()
class ThingsController {
  @Get('things')
  things() {}

  @Get('keyed')
  @SkipRateLimit()
  @RateLimit({
    name: 'keyed',
    limit: 1,
    window: '1h',
    key: byApiKey,
    allow: [{ apiKey: 'partner' }],
    deny: ['key:none'.padEnd(26, 'x')],
  })
  keyed() {}

  @Get('open')
  @SkipRateLimit()
  open() {}
}

afterEach(closeApps);

async function start(adapter: Adapter, lists: { allow?: string[]; deny?: string[] } = {}) {
  const events: DecisionEvent[] = [];
  const observer = { decided: (event: DecisionEvent) => void events.push(event) };
  const options = { policies: { burst: { limit: 1, window: '1h' } }, default: ['burst'], observer, ...lists } as const;
  const app = await boot(adapter, { ...options, default: ['burst'] }, { controllers: [ThingsController] });
  const status = async (path: string, headers?: Record<string, string>) => (await app.get(path, headers)).status;
  return { app, status, events };
}

describe.each(adapters)('events of requests, on %s', (adapter) => {
  it('tell of each policy of each request, and of nothing where nothing is decided', async () => {
    const { status, events } = await start(adapter);
    expect([await status('/things'), await status('/things'), await status('/open')]).toEqual([200, 429, 200]);
    expect(events).toMatchObject([
      { policy: 'burst', key: 'ip:127.0.0.1', cost: 1, allowed: true, by: 'store', remaining: 0 },
      { policy: 'burst', key: 'ip:127.0.0.1', cost: 1, allowed: false, by: 'store', reason: 'limit' },
    ]);
  });

  it('tell once of a caller that a list of the module refuses, and which address it was', async () => {
    const { status, events } = await start(adapter, { deny: ['127.0.0.0/8'] });
    expect([await status('/things'), await status('/open')]).toEqual([403, 403]);
    const refused = { policy: undefined, key: 'ip:127.0.0.1', cost: 0, allowed: false, by: 'list', reason: 'list' };
    expect(events).toMatchObject([refused, refused]);
  });

  it('tell once of a caller that a list of the module allows', async () => {
    const { status, events } = await start(adapter, { allow: ['127.0.0.1', 'ip:127.0.0.1'] });
    expect([await status('/things'), await status('/things')]).toEqual([200, 200]);
    const allowed = { policy: undefined, key: 'ip:127.0.0.1', allowed: true, by: 'list', reason: undefined };
    expect(events).toMatchObject([allowed, allowed]);
  });

  it('tell of the lists of a policy, with its name', async () => {
    const { status, events } = await start(adapter);
    expect(await status('/keyed', { 'x-api-key': 'partner' })).toBe(200);
    expect(events).toMatchObject([{ policy: 'keyed', allowed: true, by: 'list' }]);
    expect(events[0]!.key).toMatch(/^key:[\w-]{22}$/);
  });

  it('tell of what code spends, several at once too', async () => {
    const { app, events } = await start(adapter);
    const decisions = await app.nest.get(RateLimiter).consume([
      { policy: 'burst', key: 'job' },
      { policy: { name: 'own', limit: 5, window: '1m' }, key: 'job', cost: 2 },
    ]);
    expect(decisions).toMatchObject([{ remaining: 0 }, { remaining: 3 }]);
    expect(events).toMatchObject([
      { policy: 'burst', key: 'job' },
      { policy: 'own', cost: 2 },
    ]);
  });
});
