import { Redis } from 'ioredis';
import { attached } from './replication.js';
import { serverKinds, type Server, type StartOptions } from './servers.js';
import { thisRun } from './this-run.js';
import { launchTogether } from './together.mjs';
import { until } from './until.js';

/** Can be frozen, killed and restarted like any server; restarted, it is the same node and joins again. */
export type ClusterNode = Server;

export interface Cluster {
  /** The masters, then their replicas. */
  readonly nodes: readonly ClusterNode[];
  readonly masters: readonly ClusterNode[];
  /** The replicas of each master, in the order of the masters; all as it was at the start, before any failover. */
  readonly replicas: readonly (readonly ClusterNode[])[];
  stop(): Promise<void>;
}

export interface ClusterOptions extends StartOptions {
  masters?: number;
  /** How many each master has. */
  replicas?: number;
}

const SLOTS = 16_384;

/** The nodes tell clients 127.0.0.1, which is right for tests even when they run in a container. */
const ARGS = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout', '3000'];
/** A replica is not to wait seconds for others that might want the same copy. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0'];

/** A cluster with every slot assigned. The caller's arguments come last, and win. Whoever starts it stops it. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { masters = 3, replicas = 0, kind = serverKinds()[0]!, args = [] } = options;
  const count = masters * (1 + replicas);
  const member = { args: [...ARGS, ...AT_ONCE, ...args] };
  const { servers: nodes, stop } = await launchTogether(kind, Array<typeof member>(count).fill(member), {
    runDir: thisRun().dir,
  });
  const clients = nodes.map(({ url }) => new Redis(url));
  for (const client of clients) client.on('error', () => {});
  try {
    await join(clients, masters);
    await replicate(clients, masters);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    nodes,
    masters: nodes.slice(0, masters),
    replicas: nodes.slice(0, masters).map((_, m) => nodes.filter((_, i) => i >= masters && i % masters === m)),
    stop,
  };
}

async function join(clients: readonly Redis[], masters: number): Promise<void> {
  await Promise.all(clients.slice(0, masters).map((client, i) => client.cluster('ADDSLOTS', ...slotsOf(i, masters))));
  // Equal epochs would make the nodes dispute; telling them apart here saves seconds of waiting.
  await Promise.all(clients.map((client, i) => client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)));
  for (const { options } of clients.slice(1)) await clients[0]!.cluster('MEET', '127.0.0.1', options.port!);
  await agreed(clients, (info) => info.includes(`cluster_known_nodes:${clients.length}\r`) && isWhole(info, masters));
}

async function replicate(clients: readonly Redis[], masters: number): Promise<void> {
  const ids = await Promise.all(clients.slice(0, masters).map((client) => client.cluster('MYID')));
  const replicas = clients.slice(masters);
  if (replicas.length === 0) return;
  await Promise.all(replicas.map((client, i) => client.cluster('REPLICATE', String(ids[i % masters]))));
  await Promise.all(replicas.map(attached));
  await Promise.all(clients.map((client) => knowsReplicas(client, replicas.length)));
}

/** Every node must know them all: a failover is voted on, and clients ask any node who replicates whom. */
const knowsReplicas = (client: Redis, count: number): Promise<void> =>
  until('the cluster’s nodes did not learn of the replicas', async () => {
    const nodes = String(await client.cluster('NODES'));
    return nodes.split('slave ').length - 1 === count || nodes;
  });

const agreed = (clients: readonly Redis[], isSo: (info: string) => boolean): Promise<unknown> =>
  Promise.all(
    clients.map((client) =>
      until('the cluster’s nodes did not agree', async () => {
        const info = String(await client.cluster('INFO'));
        return isSo(info) || info;
      }),
    ),
  );

const isWhole = (info: string, masters: number): boolean =>
  [`cluster_size:${masters}\r`, `cluster_slots_ok:${SLOTS}\r`, 'cluster_state:ok'].every((each) => info.includes(each));

function slotsOf(node: number, masters: number): number[] {
  const first = Math.floor((node * SLOTS) / masters);
  const next = Math.floor(((node + 1) * SLOTS) / masters);
  return Array.from({ length: next - first }, (_, i) => first + i);
}
