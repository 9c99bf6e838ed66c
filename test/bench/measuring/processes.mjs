import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('./contender-process.mjs', import.meta.url));

/**
 * A contender in a process of its own, ready when this resolves.
 *
 * In one process all would share a heap and compiled code: a collection walks through everybody's keys, and code that
 * has seen seven contenders is slower for each.
 *
 * @param situation `contender` by its id, the number of `keys`, `inFlight`, `limit`, `windows`, `url`, and what else
 *   that contender wants
 */
export async function startContender(situation) {
  const child = fork(FILE, [JSON.stringify(situation)]);
  await message(child);
  return {
    /** The figures of one cell of that length. */
    run: (length) => ask(child, 'cell', length),
    /** The bytes that it allocates for a decision. */
    garbage: (length) => ask(child, 'garbage', length),
    async close() {
      if (child.connected) child.disconnect();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** Several of them at once; when one cannot be started, none is left. */
export async function startAll(situations) {
  const started = await Promise.allSettled(situations.map(startContender));
  const failed = started.find(({ status }) => status === 'rejected');
  if (!failed) return started.map(({ value }) => value);
  for (const { value } of started) await value?.close();
  throw failed.reason;
}

function ask(child, question, length) {
  child.send({ question, length });
  return message(child);
}

/** Its next message, or an error when it ends without. */
function message(child) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`a process of the benchmark ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer);
    });
  });
}
