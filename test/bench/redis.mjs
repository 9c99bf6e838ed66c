import { constants } from 'node:os';
import { openRun } from '../support/redis/run.mjs';

/**
 * A Redis of the benchmark's own, found as the tests find theirs (TEST_REDIS_FROM=docker|path|fetch).
 *
 * Never the one that REDIS_URL names: others load it, and a benchmark empties it and changes its settings.
 *
 * @returns {Promise<{ url: string, name: string, version: string, label: string, close(): Promise<void> }>}
 */
export async function openBenchRedis(say = console.log) {
  if (process.env.REDIS_URL) say('REDIS_URL is not used: a benchmark needs a server of its own.');
  delete process.env.REDIS_URL;
  const tried = [];
  const run = await openRun((line) => tried.push(line)).catch((error) => {
    throw new Error([error.message, ...tried].join('\n'));
  });
  const { url, label, how } = run.shared;
  say(`${label} (${how})`);

  const close = once(run.close);
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.once(name, () => void close().then(() => process.exit(128 + constants.signals[name])));
  }
  const [name, version] = label.split(' ');
  return { url, name, version, label, close };
}

function once(close) {
  let closing;
  return () => (closing ??= close());
}
