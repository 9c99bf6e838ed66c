import { Controller, Get } from '@nestjs/common';
import { RateLimit, SkipRateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { soonAfter } from '../support/soon-after.js';

@Controller()
class PingController {
  @Get('ping')
  @RateLimit({ limit: 2, window: '10s' })
  ping() {
    return 'PONG';
  }

  @Get('free')
  @SkipRateLimit()
  free() {
    return 'free';
  }
}

afterEach(closeApps);

describe.each(adapters)('on %s', (adapter) => {
  it('admits the quota, then refuses with 429, the header fields and a problem body', async () => {
    const app = await boot(adapter, {}, { controllers: [PingController] });
    const first = await app.get('/ping');
    expect([first.status, await first.text()]).toEqual([200, 'PONG']);
    expect(first.headers.get('ratelimit-policy')).toBe('"2-per-10s";q=2;w=10');
    expect(first.headers.get('ratelimit')).toBe('"2-per-10s";r=1;t=10');
    expect(first.headers.get('retry-after')).toBeNull();

    expect((await app.get('/ping')).headers.get('ratelimit')).toEqual(soonAfter('"2-per-10s";r=0;t=10'));

    const denied = await app.get('/ping');
    expect(denied.status).toBe(429);
    const wait = denied.headers.get('retry-after');
    expect(wait).toMatch(/^(10|[5-9])$/);
    expect(denied.headers.get('cache-control')).toBe('no-store');
    expect(denied.headers.get('ratelimit')).toBe(`"2-per-10s";r=0;t=${wait}`);
    expect(denied.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await denied.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      status: 429,
      detail: 'Not enough is left of the quota of "2-per-10s"; try again in 10 s.',
      message: 'Too many requests: over the quota of "2-per-10s". Try again in 10 s.',
      'violated-policies': ['2-per-10s'],
    });
  });

  it('leaves a handler without a policy alone', async () => {
    const app = await boot(adapter, {}, { controllers: [PingController] });
    const answer = await app.get('/free');
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null]);
  });
});
