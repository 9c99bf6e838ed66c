import { MemoryStore } from 'nestjs-redis-rate-limit';
import { start, stop } from './start.js';

afterEach(stop);

it('denies the third report of a minute, and says when to come back', async () => {
  let time = 0;
  const url = await start({ store: new MemoryStore({ now: () => time }) });
  for (let n = 0; n < 2; n++) expect((await fetch(`${url}/reports`)).status).toBe(200);

  time += 20_000;
  const denied = await fetch(`${url}/reports`);
  expect(denied.status).toBe(429);
  expect(denied.headers.get('retry-after')).toBe('40');
  expect(denied.headers.get('ratelimit')).toBe('"reports";r=0;t=40');
  expect(await denied.json()).toMatchObject({ status: 429, 'violated-policies': ['reports'] });

  time += 40_000;
  expect((await fetch(`${url}/reports`)).status).toBe(200);
});
