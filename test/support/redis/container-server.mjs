import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GenericContainer, Wait, getContainerRuntimeClient } from 'testcontainers';
import { ask, whatIs } from './ask.mjs';
import { freePort } from './ports.mjs';
import { urlOf } from './url-of.mjs';

// Our own reaper removes what is left over, and needs no image of its own.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';

/** Open to the host, which is all that can reach the container's published ports. */
export const OPEN = ['--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--appendonly', 'no'];

/** What servers and sentinels say when they listen. */
const READY = /ready to accept connections|sentinel id is/i;

/** A server in a container, behind the same interface as a process: freezing is docker pause. */
export async function startContainer(kind, { args = [], runDir }) {
  const port = await freePort();
  const entrypoint = [kind.binary, ...OPEN, '--port', String(port), ...args.map(String)];
  const container = await runContainer(kind, entrypoint, [port], runDir);
  const url = urlOf(container.host, port, args);
  const { docker } = container;

  async function answering(options) {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
      if (await ask(url, whatIs, options).catch(() => undefined)) return (await docker.inspect()).State.Pid;
    }
    throw new Error(`${kind.image}: no answer within 10 s\n${container.output()}`);
  }

  let pid = await answering().catch(async (error) => {
    await container.remove();
    throw error;
  });
  const kill = async () => {
    // A paused container does not take a signal on every engine.
    await docker.unpause().catch(() => {});
    await docker.kill().catch(() => {});
  };
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
    freeze: () => docker.pause(),
    thaw: () => docker.unpause(),
    async restart(options) {
      await kill();
      await docker.start();
      pid = await answering(options);
    },
    stop: container.remove,
  };
}

/** Ports keep their number outside, so that a restart keeps the address and a cluster's nodes can tell theirs. */
export async function runContainer(kind, entrypoint, ports, runDir) {
  const dir = mkdtempSync(join(runDir, 'container-'));
  const name = `${basename(runDir)}-${basename(dir)}`.toLowerCase();
  // For the reaper, should this process die before it stops the container.
  writeFileSync(join(dir, 'container'), name);
  const lines = [];
  const { container } = await getContainerRuntimeClient();
  const started = await new GenericContainer(kind.image)
    .withName(name)
    .withEntrypoint(entrypoint)
    .withExposedPorts(...ports.map((port) => ({ container: port, host: port })))
    .withLogConsumer((log) => log.on('data', (line) => lines.push(String(line))))
    .withWaitStrategy(Wait.forLogMessage(READY, ports.length))
    .withStartupTimeout(20_000)
    .start()
    .catch(async (error) => {
      const words = await lastWords(container.getById(name));
      rmSync(dir, { recursive: true, force: true });
      throw new Error(`${kind.image} did not start: ${error.message}\n${lines.join('')}${words}`);
    });
  const docker = container.getById(started.getId());
  return {
    host: started.getHost(),
    docker,
    output: () => lines.join(''),
    run: (script) => runIn(docker, script),
    /** Without waiting for its end. */
    async runAside(script) {
      const command = await docker.exec({ Cmd: ['sh', '-c', script] });
      await command.start({ Detach: true });
    },
    async remove() {
      await docker.unpause().catch(() => {});
      // A test may stop its server before its suite does.
      await docker.remove({ force: true, v: true }).catch((error) => {
        if (error.statusCode !== 404) throw error;
      });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Removes a container that may not even have been made. One that ended at once is left by testcontainers as it is. */
async function lastWords(docker) {
  const words = await docker.logs({ stdout: true, stderr: true }).catch(() => '');
  await docker.remove({ force: true, v: true }).catch(() => {});
  return String(words);
}

async function runIn(docker, script) {
  const command = await docker.exec({ Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true });
  const output = await command.start({ Detach: false });
  output.resume();
  await once(output, 'end');
  const { ExitCode } = await command.inspect();
  if (ExitCode !== 0) throw new Error(`in the container, "${script}" ended with ${ExitCode}`);
}
