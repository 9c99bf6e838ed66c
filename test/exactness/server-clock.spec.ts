import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { connectTo } from '../support/clients.js';
import { ownServer } from '../support/redis/own-server.js';

type Client = ReturnType<typeof connectTo>;

const MINUTE = 60_000;
const daily = definePolicy({ name: 'daily', limit: 1_000, window: '1d' });

const own = ownServer();

/** How often a clock that is off was told. */
let told = 0;
beforeEach(() => void (told = 0));
afterEach(() => expect(told).toBeGreaterThan(1));

/** The client of a server whose clock is off: it adds to what the script says, and takes from what it is told. */
function seenThrough(skew: () => number): Client {
  const skewed =
    (run: (...args: unknown[]) => Promise<Buffer>) =>
    async (script: string, keyCount: number, ...args: unknown[]) => {
      // The first of the script's own arguments, behind the keys.
      if (args[keyCount] !== '') args[keyCount] = String(Number(args[keyCount]) - skew());
      const reply = await run(script, keyCount, ...args);
      reply.writeDoubleLE(reply.readDoubleLE(0) + skew(), 0);
      told++;
      return reply;
    };
  return new Proxy(own.client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return name === 'evalshaBuffer' || name === 'evalBuffer' ? skewed(value.bind(target)) : value.bind(target);
    },
  });
}

describe('the clock of the server, to which a request is charged in time or not at all', () => {
  it.each([-10 * MINUTE, 10 * MINUTE])(
    'may be off by %d ms, or step by that: every request is charged',
    async (step) => {
      let skew = step;
      const store = new RedisStore(
        seenThrough(() => skew),
        { timeout: 5_000 },
      );
      for (let spent = 1; spent <= 5; spent++) {
        const [decision] = await store.consume([{ policy: daily, key: 'k', cost: 1 }]);
        expect(decision).toMatchObject({ allowed: true, remaining: 1_000 - spent });
        skew += step;
      }
    },
  );

  it('may have stepped before a flood: it is charged exactly', async () => {
    let skew = 0;
    const store = new RedisStore(
      seenThrough(() => skew),
      { timeout: 5_000 },
    );
    const flood = () =>
      Promise.all(Array.from({ length: 500 }, () => store.consume([{ policy: daily, key: 'k', cost: 1 }])));
    await flood();
    skew = 10 * MINUTE;
    await flood();
    const [decision] = await store.consume([{ policy: daily, key: 'k', cost: 0 }]);
    expect(decision!.remaining).toBe(0);
  });
});
