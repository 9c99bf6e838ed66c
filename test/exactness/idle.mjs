/**
 * An application that does nothing but wait: no timer and no event of its own wakes it up.
 *
 * node idle.mjs URL: asks once, says so, asks again when it is told to, and says what became of that.
 */
import { Redis } from 'ioredis';
import { definePolicy, RedisStore } from 'nestjs-redis-rate-limit';

const store = new RedisStore(new Redis(process.argv[2]), { timeout: 250 });
const hit = { policy: definePolicy({ name: 'p', limit: 10, window: '1h' }), key: 'k', cost: 1 };

await store.consume([hit]);
process.send('ready');
process.once('message', async () => {
  const began = performance.now();
  const error = await store.consume([hit]).then(() => 'answered', String);
  process.send({ waited: performance.now() - began, error });
});
process.once('disconnect', () => process.exit());
