/**
 * One process whose calls wait: the package as users get it.
 *
 * node wait-worker.mjs URL PREFIX POLICY: begins a call at each of a message's `moments`, and tells when it asked and began.
 * Without moments it begins one call, and tells at once how long that sleeps.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLimiter } from 'nestjs-redis-rate-limit/engine';

const [url, prefix, policy] = process.argv.slice(2);
const limiter = await createLimiter({ redis: url, prefix, policies: { paced: JSON.parse(policy) } });

/** Of all processes: the clock of the machine, in parts of a millisecond. */
const now = () => performance.timeOrigin + performance.now();

process.once('disconnect', () => void limiter.close());
process.on('message', async ({ moments, timeout }) => {
  try {
    if (!moments) return process.send({ sleeps: await turn(timeout) });
    const calls = moments.map(async (moment) => {
      await sleep(moment - now());
      const asked = now();
      await limiter.wait('paced', 'user:1', { timeout });
      return { asked, began: now() };
    });
    process.send({ calls: await Promise.all(calls) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send('ready');

/** Takes a turn. How long until it begins, as the store says. */
function turn(timeout) {
  const { store } = limiter;
  const consume = store.consume.bind(store);
  return new Promise((resolve, reject) => {
    store.consume = async (hits) => {
      const decisions = await consume(hits);
      if (decisions[0].allowed) resolve(decisions[0].startsIn ?? 0);
      return decisions;
    };
    limiter.wait('paced', 'user:1', { timeout }).catch(reject);
  });
}
