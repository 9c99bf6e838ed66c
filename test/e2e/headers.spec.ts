import { Catch, Controller, Get, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { RateLimit, type HeaderProfile, type RateLimitExceededException } from 'nestjs-redis-rate-limit';
import { parseList } from 'structured-headers';
import { adapters, boot, closeApps } from '../support/app.js';

@Controller()
class HeadersController {
  @Get()
  @RateLimit(
    { name: 'wide', limit: 9, window: '1d' },
    { name: 'a"b\\c', limit: 2, window: '500ms', algorithm: 'gcra', burst: 2 },
  )
  both() {
    return 'ok';
  }

  @Get('none')
  @RateLimit({ name: 'none', limit: 0, window: '1m' })
  none() {}
}

/** A filter of the application's own, for every exception. */
@Catch()
class OwnFilter implements ExceptionFilter {
  catch(exception: RateLimitExceededException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse();
    const body = {
      mine: exception instanceof HttpException && exception.getStatus(),
      violated: exception.violatedPolicies,
    };
    const status = response.status(418);
    if (status.json) status.json(body);
    else status.send(body);
  }
}

const controllers = [HeadersController];
afterEach(closeApps);

describe.each(adapters)('header fields on %s', (adapter) => {
  it('parse by RFC 9651, whatever the policy is called', async () => {
    const { get } = await boot(adapter, {}, { controllers });
    const { headers } = await get('/');
    expect(headers.get('ratelimit-policy')).toBe('"wide";q=9;w=86400, "a\\"b\\\\c";q=2;w=1');
    const policies = parseList(headers.get('ratelimit-policy')!);
    const limits = parseList(headers.get('ratelimit')!);
    expect(policies.map(([name, parameters]) => [name, Object.fromEntries(parameters)])).toEqual([
      ['wide', { q: 9, w: 86400 }],
      ['a"b\\c', { q: 2, w: 1 }],
    ]);
    expect(limits.map(([name, parameters]) => [name, Object.fromEntries(parameters)])).toEqual([
      ['wide', { r: 8, t: 86400 }],
      ['a"b\\c', { r: 1, t: 1 }],
    ]);
  });

  const seen = async (profile: HeaderProfile) => {
    const { get } = await boot(adapter, { headers: profile }, { controllers });
    const { headers } = await get('/');
    return [...headers.keys()].filter((name) => name.includes('ratelimit'));
  };

  it.each<[HeaderProfile, string[]]>([
    ['ietf', ['ratelimit', 'ratelimit-policy']],
    ['legacy', ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']],
    ['both', ['ratelimit', 'ratelimit-policy', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']],
    ['none', []],
  ])('profile %s sends %j', async (profile, names) => {
    expect(await seen(profile)).toEqual(names);
  });

  it('legacy fields are of the tightest policy, their reset a clock reading in seconds', async () => {
    const { get } = await boot(adapter, { headers: 'legacy' }, { controllers });
    const before = Date.now();
    const { headers } = await get('/');
    expect([headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')]).toEqual(['2', '1']);
    const reset = Number(headers.get('x-ratelimit-reset'));
    expect(reset).toBeGreaterThanOrEqual(Math.ceil((before + 250) / 1_000));
    expect(reset).toBeLessThanOrEqual(Math.ceil((Date.now() + 250) / 1_000));
  });

  it('a denial has Retry-After and is not to be stored, whatever the profile', async () => {
    const { get } = await boot(adapter, { headers: 'none' }, { controllers });
    for (let i = 0; i < 9; i++) await get('/');
    const answers = await Promise.all(Array.from({ length: 4 }, () => get('/')));
    for (const { status, headers } of answers.filter(({ status }) => status !== 200)) {
      expect(status).toBe(429);
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect(answers.some(({ status }) => status === 429)).toBe(true);
  });

  it('limit 0 denies everything and promises nothing', async () => {
    const { get } = await boot(adapter, {}, { controllers });
    const { status, headers } = await get('/none');
    expect([status, headers.get('retry-after')]).toEqual([429, null]);
    expect(headers.get('ratelimit-policy')).toBe('"none";q=0;w=60');
    expect(headers.get('ratelimit')).toBe('"none";r=0');
  });

  const denied = async (prepare: Parameters<typeof boot>[2]) => {
    const { get } = await boot(adapter, {}, { controllers, ...prepare });
    const answer = await get('/none');
    return [answer.status, answer.headers.get('content-type'), await answer.json()];
  };
  const mine = [418, expect.stringMatching(/^application\/json/), { mine: 429, violated: ['none'] }];

  it('a filter of the application’s own comes first and sends what it likes, as it likes', async () => {
    expect(await denied({ prepare: (nest) => nest.useGlobalFilters(new OwnFilter()) })).toEqual(mine);
    expect(await denied({ providers: [{ provide: APP_FILTER, useClass: OwnFilter }] })).toEqual(mine);
  });
});
