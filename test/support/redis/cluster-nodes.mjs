import { launch } from './launch.mjs';
import { freePort } from './ports.mjs';

/** The nodes tell clients 127.0.0.1, which is right for tests even when they run in a container. */
const CLUSTER = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout', '3000'];

/** Servers in cluster mode that do not know each other yet. */
export function clusterNodes(kind, { count, args = [], runDir }) {
  const all = [...CLUSTER, ...args];
  return kind.image ? inOneContainer(kind, count, all, runDir) : processes(kind, count, all, runDir);
}

async function processes(kind, count, args, runDir) {
  const results = await Promise.allSettled(Array.from({ length: count }, () => launch(kind, { args, runDir })));
  const nodes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return { nodes, stop };
  await stop();
  throw failed.reason;
}

/** One container for all: the nodes then meet on its loopback by the very ports that the host sees. */
async function inOneContainer(kind, count, args, runDir) {
  const { runContainer } = await import('./container-server.mjs');
  const ports = [];
  while (ports.length < count) ports.push(await freePort());

  const quoted = args.map((arg) => `'${String(arg).replaceAll("'", `'\\''`)}'`).join(' ');
  const start = (port) =>
    `mkdir -p /tmp/${port} && ${kind.binary} --port ${port} --dir /tmp/${port} --bind 0.0.0.0 ` +
    `--protected-mode no --save '' --appendonly no ${quoted} &`;
  const { host, remove } = await runContainer(
    kind,
    ['sh', '-c', [...ports.map(start), 'wait'].join('\n')],
    ports,
    runDir,
  );
  return { nodes: ports.map((port) => ({ host, port })), stop: remove };
}
