import { setTimeout as sleep } from 'node:timers/promises';
import { ask, whatIs } from './ask.mjs';
import { OPEN, runContainer } from './container-server.mjs';
import { freePort } from './ports.mjs';
import { urlOf } from './url-of.mjs';

/** One container for all: the servers then meet on its loopback by the very ports that the host sees. */
export async function startInOneContainer(kind, members, runDir) {
  const ports = new Set();
  while (ports.size < members.length) ports.add(await freePort());
  const commands = [...ports].map((port, i) => commandOf(kind, port, members[i]));

  // The container must outlive its servers: a test may kill them all before it restarts one.
  const script = [...commands.map((command) => `${command} &`), 'wait', 'exec tail -f /dev/null'].join('\n');
  const container = await runContainer(kind, ['sh', '-c', script], [...ports], runDir);
  try {
    const servers = [...ports].map((port, i) => serverIn(container, kind, port, commands[i], members[i].args ?? []));
    return { servers: await Promise.all(servers), stop: container.remove };
  } catch (error) {
    await container.remove();
    throw error;
  }
}

function commandOf({ binary }, port, { args = [], hasConfigFile = false }) {
  const dir = `/tmp/${port}`;
  const file = hasConfigFile ? `${dir}/config` : '';
  const all = ['--port', port, '--dir', dir, ...OPEN, ...args].map(quoted).join(' ');
  // A file that is there already is what the server wrote before its restart.
  return `mkdir -p ${dir} && touch ${dir}/config && exec ${binary} ${file} ${all}`;
}

const quoted = (arg) => `'${String(arg).replaceAll("'", `'\\''`)}'`;

/** One of the container's servers, with the same interface as one of its own; signals reach it through the container. */
async function serverIn(container, kind, port, command, args) {
  const url = urlOf(container.host, port, args);
  let pid;

  async function answering(options) {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
      const answer = await ask(url, whatIs, options).catch(() => undefined);
      if (answer) return answer.pid;
    }
    throw new Error(`${kind.image}: no answer on port ${port} within 10 s\n${container.output()}`);
  }

  async function kill() {
    if (pid === undefined) return;
    // A dead process takes signals until its parent has noticed.
    await container.run(`while kill -KILL ${pid} 2>&-; do sleep 0.02; done`);
    pid = undefined;
  }

  pid = await answering();
  return {
    kind,
    version: kind.version,
    host: container.host,
    port,
    url,
    get pid() {
      return pid;
    },
    kill,
    freeze: () =>
      container.run(`kill -STOP ${pid} && until grep -q '^State:.T' /proc/${pid}/status; do sleep 0.01; done`),
    thaw: () => container.run(`kill -CONT ${pid}`),
    async restart(options) {
      await kill();
      await container.runAside(`(${command}) >/proc/1/fd/1 2>&1`);
      pid = await answering(options);
    },
    stop: kill,
  };
}
