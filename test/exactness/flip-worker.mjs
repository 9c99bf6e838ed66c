/**
 * One process of an application whose policies change their mode meanwhile: the package as users get it.
 *
 * node flip-worker.mjs URL PREFIX POLICIES REQUESTS: asks for a request at a time in each of a few lanes, tells its parent how many
 * units its decisions and its events say were charged, and ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLimiter } from 'nestjs-redis-rate-limit/engine';

const [redis, prefix, policies, requests] = process.argv.slice(2);
const LANES = 4;

const counts = () => ({ trial: 0, beside: 0 });
const report = { charged: counts(), passed: counts(), decided: counts(), denied: 0, wouldDeny: 0 };
const observer = {
  decided({ policy, allowed, passed, shadow }) {
    report.decided[policy]++;
    if (passed) report.passed[policy]++;
    if (!allowed && shadow) report.wouldDeny++;
  },
};
const logger = { log() {}, warn: console.error, error: console.error };
const limiter = await createLimiter({
  redis,
  prefix,
  timeout: 20_000,
  liveLimits: '100ms',
  policies: JSON.parse(policies),
  observer,
  logger,
});
process.send('ready');
process.once('message', async () => {
  await Promise.all(Array.from({ length: LANES }, lane));
  process.send(report);
  await limiter.close();
  process.disconnect();
});

async function lane() {
  for (let i = 0; i < requests / LANES; i++) {
    // Every other request is under both policies.
    const names = i % 2 === 0 ? ['trial', 'beside'] : ['trial'];
    const decisions = await limiter.consume(names.map((policy) => ({ policy, key: 'one' })));
    const isAllowed = decisions.every(({ allowed }) => allowed);
    if (!isAllowed) report.denied++;
    decisions.forEach(({ shadow, by }, at) => {
      if (isAllowed && by === 'store' && shadow?.allowed !== false) report.charged[names[at]]++;
    });
    await sleep(1);
  }
}
