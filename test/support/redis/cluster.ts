import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { clusterNodes, type ClusterNode } from './cluster-nodes.mjs';
import { serverKinds, type StartOptions } from './servers.js';
import { thisRun } from './this-run.js';

export type { ClusterNode };

export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** A cluster of masters without replicas, every slot assigned. Whoever starts it stops it. */
export async function startCluster({ masters = 3, kind = serverKinds()[0]!, args = [] }: ClusterOptions = {}) {
  const { nodes, stop } = await clusterNodes(kind, { count: masters, args, runDir: thisRun().dir });
  const clients = nodes.map(({ host, port }) => new Redis({ host, port }));
  for (const client of clients) client.on('error', () => {});
  try {
    await Promise.all(clients.map((client, i) => client.cluster('ADDSLOTS', ...slotsOf(i, masters))));
    // Equal epochs would make the nodes dispute; telling them apart here saves seconds of waiting.
    await Promise.all(clients.map((client, i) => client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)));
    for (const { port } of nodes.slice(1)) await clients[0]!.cluster('MEET', '127.0.0.1', port);
    await Promise.all(clients.map((client) => agreed(client, masters)));
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return { nodes, stop } satisfies Cluster;
}

export interface ClusterOptions extends StartOptions {
  masters?: number;
}

function slotsOf(node: number, masters: number): number[] {
  const first = Math.floor((node * SLOTS) / masters);
  const next = Math.floor(((node + 1) * SLOTS) / masters);
  return Array.from({ length: next - first }, (_, i) => first + i);
}

async function agreed(client: Redis, masters: number): Promise<void> {
  let info = '';
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
    info = String(await client.cluster('INFO'));
    const isWhole = info.includes(`cluster_size:${masters}\r`) && info.includes(`cluster_slots_ok:${SLOTS}\r`);
    if (isWhole && info.includes('cluster_state:ok')) return;
  }
  throw new Error(`the cluster's nodes did not agree within 20 s\n${info}`);
}
