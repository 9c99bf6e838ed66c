import { StoreUnavailableError, type RateLimitStore } from 'nestjs-redis-rate-limit';
import { start, stop } from './start.js';

afterEach(stop);

const fail = async (): Promise<never> => {
  throw new StoreUnavailableError('Redis is away');
};
const away: RateLimitStore = { consume: fail, reset: fail };

it('counts by itself while Redis is away', async () => {
  const url = await start({ store: away });
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await fetch(`${url}/reports`)).status);
  expect(statuses).toEqual([200, 200, 429]);
});

it('can refuse instead', async () => {
  const url = await start({ store: away, onStoreFailure: 'closed' });
  const refused = await fetch(`${url}/reports`);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
});
