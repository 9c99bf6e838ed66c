import { BadRequestException, Controller, Get, type ExecutionContext } from '@nestjs/common';
import { byAll, byApiKey, byFirst, byHeader, byIp, RateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { soonAfter } from '../support/soon-after.js';

const header = (context: ExecutionContext, name: string) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>().headers[name];

const later = async <T>(value: T): Promise<T> => {
  await new Promise(setImmediate);
  return value;
};

@Controller()
class DynamicController {
  @Get('limit')
  @RateLimit({ name: 'plan', window: '1h', limit: (context) => later(Number(header(context, 'x-limit'))) })
  limit() {}

  @Get('cost')
  @RateLimit({
    name: 'cost',
    limit: 10,
    window: '1h',
    cost: (context) => {
      const cost = header(context, 'x-cost');
      if (cost === 'mad') throw new BadRequestException('x-cost is mad');
      return cost === 'text' ? (cost as never) : Number(cost);
    },
  })
  cost() {}

  @Get('skip')
  @RateLimit({ name: 'skip', limit: 1, window: '1h', skip: (context) => later(header(context, 'x-admin') === 'yes') })
  skip() {}

  @Get('key')
  @RateLimit({ name: 'key', limit: 1, window: '1h', key: (context) => later(header(context, 'x-who')) })
  key() {}

  @Get('number-key')
  @RateLimit({ name: 'number', limit: 1, window: '1h', key: () => 42 })
  numberKey() {}

  @Get('object-key')
  @RateLimit({ name: 'object', limit: 1, window: '1h', key: (() => ({ id: 42 })) as never })
  objectKey() {}

  @Get('throws')
  @RateLimit({
    name: 'throws',
    limit: 1,
    window: '1h',
    key: () => {
      throw new Error('the database is away');
    },
  })
  throws() {}

  @Get('all')
  @RateLimit({ name: 'all', limit: 1, window: '1h', key: byAll(byHeader('x-a'), byHeader('x-b')) })
  all() {}

  @Get('first')
  @RateLimit({ name: 'first', limit: 1, window: '1h', key: byFirst(byApiKey, byHeader('x-session'), byIp) })
  first() {}
}

afterEach(closeApps);

describe.each(adapters)('functions of the request on %s', (adapter) => {
  const app = () => boot(adapter, {}, { controllers: [DynamicController] });

  it('a limit by request takes effect at once and keeps what has been used', async () => {
    const { get } = await app();
    const ask = async (limit: string) => {
      const { status, headers } = await get('/limit', { 'x-limit': limit });
      return [status, headers.get('ratelimit-policy'), headers.get('ratelimit')?.replace(/;t=\d+/, '')];
    };
    expect(await ask('3')).toEqual([200, '"plan";q=3;w=3600', '"plan";r=2']);
    expect(await ask('2')).toEqual([200, '"plan";q=2;w=3600', '"plan";r=0']);
    expect(await ask('2')).toEqual([429, '"plan";q=2;w=3600', '"plan";r=0']);
    expect(await ask('5')).toEqual([200, '"plan";q=5;w=3600', '"plan";r=2']);
    // A limit that is none is our own fault, not the client's, and not a free pass.
    expect((await get('/limit', { 'x-limit': 'many' })).status).toBe(500);
  });

  it('a cost by request is charged; what cannot be one charges nothing', async () => {
    const { get } = await app();
    expect((await get('/cost', { 'x-cost': '4' })).headers.get('ratelimit')).toEqual(soonAfter('"cost";r=6;t=3600'));
    expect((await get('/cost', { 'x-cost': 'mad' })).status).toBe(400);
    for (const cost of ['text', '-1', '0.5', 'NaN']) expect((await get('/cost', { 'x-cost': cost })).status).toBe(500);
    expect((await get('/cost', { 'x-cost': '0' })).headers.get('ratelimit')).toEqual(soonAfter('"cost";r=6;t=3600'));
    const never = await get('/cost', { 'x-cost': '11' });
    expect([never.status, never.headers.get('retry-after')]).toEqual([429, null]);
    expect(await never.json()).toMatchObject({ detail: 'The request costs more than "cost" can ever hold.' });
  });

  it('an asynchronous skip is waited for', async () => {
    const { get } = await app();
    for (let i = 0; i < 3; i++) expect((await get('/skip', { 'x-admin': 'yes' })).status).toBe(200);
    expect((await get('/skip')).status).toBe(200);
    expect((await get('/skip')).status).toBe(429);
    expect((await get('/skip', { 'x-admin': 'yes' })).status).toBe(200);
  });

  it('a key that is undefined means the policy does not apply', async () => {
    const { get } = await app();
    for (let i = 0; i < 3; i++) {
      const answer = await get('/key');
      expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null]);
    }
    expect((await get('/key', { 'x-who': 'ann' })).status).toBe(200);
    expect((await get('/key', { 'x-who': 'ann' })).status).toBe(429);
    expect((await get('/key', { 'x-who': 'bob' })).status).toBe(200);
  });

  it('a resolver that fails ends the request, and is never a free pass', async () => {
    const { get } = await app();
    for (const path of ['/throws', '/object-key']) expect((await get(path)).status).toBe(500);
  });

  it('a number is a key as good as text', async () => {
    const { get } = await app();
    expect([(await get('/number-key')).status, (await get('/number-key')).status]).toEqual([200, 429]);
  });

  it('byAll is one quota for each combination, told apart whatever the text', async () => {
    const { get } = await app();
    const ask = async (a: string, b: string) => (await get('/all', { 'x-a': a, 'x-b': b })).status;
    expect(await ask('a', 'b')).toBe(200);
    expect(await ask('a', 'b')).toBe(429);
    expect(await ask('a+header.x-b:b', 'c')).toBe(200);
    expect(await ask('a', 'b+header.x-b:c')).toBe(200);
  });

  it('byFirst asks in order before anything falls back on the address', async () => {
    const { get } = await app();
    expect((await get('/first', { 'x-session': 's' })).status).toBe(200);
    expect((await get('/first', { 'x-session': 's' })).status).toBe(429);
    expect((await get('/first', { 'x-session': 's', 'x-api-key': 'k' })).status).toBe(200);
    expect((await get('/first')).status).toBe(200);
    expect((await get('/first')).status).toBe(429);
  });
});
