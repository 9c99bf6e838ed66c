import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const APPLICATION = fileURLToPath(new URL('./application.mjs', import.meta.url));

/** Starts an application; whoever starts one stops it. It also ends when this process does. */
export async function startApplication({ adapter, variant }, redis) {
  const child = fork(APPLICATION, [JSON.stringify({ adapter, variant, redis })], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const ended = once(child, 'exit');
  const { port } = await told(child);
  return {
    url: `http://127.0.0.1:${port}/items/1`,
    ask(what, about) {
      child.send({ ask: what, about });
      return told(child);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Its next message. */
function told(child) {
  return new Promise((resolve, reject) => {
    const gone = (code, signal) => reject(new Error(`the application ended (${signal ?? code})`));
    child.once('exit', gone);
    child.once('message', (message) => {
      child.off('exit', gone);
      resolve(message);
    });
  });
}
