import { randomUUID } from 'node:crypto';
import { startRedis } from './redis.js';
import { start, stop } from './start.js';

let redis: { url: string; stop(): Promise<unknown> };
beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterEach(stop);
afterAll(() => redis.stop());

/** Quotas for this test alone: no other test has this prefix. */
const quotas = () => ({ redis: redis.url, prefix: `test-${randomUUID()}` });

it('counts in all instances together', async () => {
  const shared = quotas();
  const [one, other] = [await start(shared), await start(shared)];
  const statuses = [];
  for (const url of [one, other, one]) statuses.push((await fetch(`${url}/reports`)).status);
  expect(statuses).toEqual([200, 200, 429]);
});

it('starts with a full quota in every test', async () => {
  const url = await start(quotas());
  expect((await fetch(`${url}/reports`)).headers.get('ratelimit')).toBe('"reports";r=1;t=60');
});
