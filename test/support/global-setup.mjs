import { openRun } from './redis/run.mjs';

/** Once per run, before the first worker: the servers are found here and told to the workers in the environment. */
export default async function globalSetup() {
  const notes = [];
  const run = await openRun((note) => notes.push(note)).catch((error) => {
    // Jest prints the stack; the message says all that a reader needs.
    error.stack = [error.message, ...notes].join('\n  ');
    throw error;
  });
  if (run.kinds.length === 0) notes.push('no server can be started here: the tests that start their own will fail');
  globalThis.redisRun = run;
  process.env.TEST_REDIS_RUN = JSON.stringify({ dir: run.dir, kinds: run.kinds, shared: run.shared });
  process.stdout.write(`${[described(run), ...notes].join('\n  ')}\n\n`);
}

function described({ kinds, shared }) {
  const others = kinds.filter((kind) => kind.label !== shared.label).map((kind) => `${kind.label} (${kind.how})`);
  const also = others.length > 0 ? ` — also: ${others.join(', ')}` : '';
  return `Redis for this run: ${shared.label} (${shared.how})${also}`;
}
