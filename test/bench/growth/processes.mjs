import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { difference } from '../measuring/server.mjs';

const WORKER = fileURLToPath(new URL('./process.mjs', import.meta.url));
const COUNTS = [1, 2, 3, 4];

/** Processes of an application that share one Redis and its keys. */
export const processes = {
  id: 'growth-processes',
  title: 'Application processes on one Redis: one fixed window, 64 in flight in each, 10,000 keys',
  x: 'processes',
  async open({ url, server }) {
    const workers = await Promise.all(Array.from({ length: Math.max(...COUNTS) }, () => start(url)));
    return COUNTS.map((x) => ({
      x,
      measure: (seconds) => together(workers.slice(0, x), server, seconds),
      // Every worker takes part in the last step.
      close: () => (x === workers.length ? Promise.all(workers.map(stop)) : undefined),
    }));
  },
};

async function together(workers, server, seconds) {
  const before = await server.read();
  const parts = await Promise.all(workers.map((worker) => ask(worker, { seconds })));
  const redis = difference(before, await server.read());
  const sum = (of) => parts.reduce((total, part) => total + of(part), 0);
  const done = sum((part) => part.done);
  return {
    perSecond: sum((part) => part.done / part.elapsed),
    p50: sum((part) => part.p50) / parts.length,
    p99: Math.max(...parts.map((part) => part.p99)),
    appCpu: sum((part) => part.microseconds) / done,
    redisCpu: redis.microseconds / done,
    unanswered: sum((part) => part.surprises),
  };
}

async function start(url) {
  const worker = fork(WORKER, [url]);
  await message(worker);
  return worker;
}

async function stop(worker) {
  worker.disconnect();
  if (worker.exitCode === null) await once(worker, 'exit');
}

function ask(worker, question) {
  worker.send(question);
  return message(worker);
}

/** Its next one, or an error when it ends without. */
function message(worker) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`a process of the benchmark ended with ${code}`));
    worker.once('exit', ended);
    worker.once('message', (answer) => {
      worker.off('exit', ended);
      resolve(answer);
    });
  });
}
