import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { describeWith, startWithFakeTime } from '../support/redis/faketime.js';
import { expectMortal } from './faults.js';

const LIMIT = 10;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** In seconds. Far longer than the tests take, so that only the clock's jumps make a difference. */
const WINDOW = HOUR;

// The laws of jumping clocks are tested on injected ones too.
const faked = await startWithFakeTime();
let store: RedisStore;
beforeEach(async () => {
  await faked!.shift(0);
  const client = connectTo(faked!.server.url);
  await client.flushall();
  store = new RedisStore(client, { timeout: 5_000 });
});
afterEach(closeClients);
afterAll(() => faked?.server.stop());

describeWith(faked).each(algorithmNames)('the server’s clock jumps, under %s', (algorithm) => {
  const policy = definePolicy({
    name: 'p',
    algorithm,
    limit: LIMIT,
    window: `${WINDOW}s`,
    ...(algorithm === 'gcra' ? { burst: LIMIT } : {}),
  });
  const spend = async (cost = 1) => (await store.consume([{ policy, key: 'k', cost }]))[0]!;
  const exhaust = async () => {
    for (let i = 0; i < LIMIT; i++) expect((await spend()).allowed).toBe(true);
    expect((await spend()).allowed).toBe(false);
  };

  it('back, by less than a window: nothing is freed, and the wait is longer by just that', async () => {
    await exhaust();
    await faked!.shift(-10 * MINUTE);
    const denied = await spend();
    expect(denied.allowed).toBe(false);
    expect(denied.retryAfter).toBeGreaterThan(0);
    expect(denied.retryAfter).toBeLessThanOrEqual((2 * WINDOW + 10 * MINUTE) * 1_000);
    // That wait is true: by the server's clock the hit passes then.
    await faked!.shift(-10 * MINUTE + denied.retryAfter / 1_000);
    expect((await spend()).allowed).toBe(true);
    await expectMortal(connectTo(faked!.server.url));
  });

  it('back by a day: nobody is shut out for a day', async () => {
    await faked!.shift(24 * HOUR);
    await exhaust();
    await faked!.shift(0);
    const denied = await spend();
    expect(denied.retryAfter).toBeLessThanOrEqual(2 * WINDOW * 1_000);
    await faked!.shift(2 * WINDOW + 1);
    expect(await spend()).toMatchObject({ allowed: true, remaining: LIMIT - 1 });
    await expectMortal(connectTo(faked!.server.url));
  });

  it('forth and back within a window, again and again: only the furthest of it counts', async () => {
    await exhaust();
    let admitted = 0;
    for (const shift of [30, -20, 25, -10, 28, 0, -25]) {
      await faked!.shift(shift * MINUTE);
      for (let i = 0; i < LIMIT; i++) if ((await spend()).allowed) admitted++;
    }
    // The furthest it was ahead is half a window: so much of a quota that flows back evenly, and of others nothing.
    expect(admitted).toBeLessThanOrEqual(LIMIT / 2);
  });

  it('forth by a day: a full quota, once', async () => {
    await exhaust();
    await faked!.shift(24 * HOUR);
    await exhaust();
  });
});
