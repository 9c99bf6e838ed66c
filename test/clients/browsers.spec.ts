import { Controller, Get } from '@nestjs/common';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';

@Controller()
class PingController {
  @Get('ping')
  @RateLimit({ name: 'ping', limit: 1, window: '10s' })
  ping() {}
}

const origin = 'https://app.example';

const start = (adapter: (typeof adapters)[number]) =>
  boot(
    adapter,
    {},
    {
      controllers: [PingController],
      prepare: (app) => app.enableCors({ exposedHeaders: ['RateLimit', 'RateLimit-Policy', 'Retry-After'] }),
    },
  );

afterEach(closeApps);

describe.each(adapters)('what a script of another origin may read, on %s', (adapter) => {
  it('are the exposed fields, of a denial too', async () => {
    const { get } = await start(adapter);
    await get('/ping', { origin });
    const { status, headers } = await get('/ping', { origin });
    expect(status).toBe(429);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')).toMatch(/^RateLimit, ?RateLimit-Policy, ?Retry-After$/);
  });

  it('costs no quota to ask for beforehand', async () => {
    const { url, get } = await start(adapter);
    const headers = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-api-key' };
    for (let i = 0; i < 3; i++) expect((await fetch(`${url}/ping`, { method: 'OPTIONS', headers })).status).toBe(204);
    expect((await get('/ping', { origin })).status).toBe(200);
  });
});
