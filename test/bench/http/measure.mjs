import { difference } from '../measuring/server.mjs';
import { startApplication } from './start.mjs';

/** Something went wrong under load, as it may on a machine that stalls. */
export class Disturbance extends Error {}

/** One cell, once: a fresh application is started, looked at, warmed up, loaded and stopped. */
export async function measure(cell, { generator, server, url, seconds, ...settings }) {
  await server.empty();
  const app = await startApplication(cell, url);
  try {
    await checkAnswer(app.url, cell.variant);
    await generator.load(app.url, settings[cell.adapter].warmUp);

    const before = { app: await app.ask('usage'), redis: await server.read() };
    const load = await generator.load(app.url, seconds);
    const after = { app: await app.ask('usage'), redis: await server.read() };
    if (load.failures > 0) throw new Disturbance(`${load.failures} of ${load.requests} requests failed`);
    if (after.app.complaints.length > 0) throw new Disturbance(after.app.complaints[0]);

    const { microseconds, sent, executed } = difference(before.redis, after.redis);
    const worked = after.app.user + after.app.system - before.app.user - before.app.system;
    return {
      perSecond: load.requests / load.seconds,
      p50: load.p50,
      p99: load.p99,
      appCpu: worked / load.requests,
      // Well below one: something else had the processor, and the requests/s are too low.
      appCores: worked / (load.seconds * 1e6),
      redisCpu: microseconds / load.requests,
      sent: sent / load.requests,
      executed: executed / load.requests,
    };
  } finally {
    await app.stop();
  }
}

/** A limiter that is not there would be the fastest. */
export async function checkAnswer(url, { fields = [] }) {
  const { status, headers } = await fetch(url, { headers: { connection: 'close' } });
  if (status !== 200) throw new Error(`the application answers ${status}`);
  const missing = fields.filter((field) => !headers.has(field));
  if (missing.length > 0) throw new Error(`the answer has no ${missing.join(', ')}`);
  const limited = [...headers.keys()].filter((name) => /^(x-)?ratelimit/.test(name));
  if (fields.length === 0 && limited.length > 0) throw new Error(`nothing should limit it, and ${limited[0]} is there`);
}
