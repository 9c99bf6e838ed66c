import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { Cluster, type ClusterOptions } from 'ioredis';
import { Cluster as Cluster5, type ClusterOptions as Cluster5Options } from 'ioredis-5';
import type { Cluster as Servers } from '../support/redis/cluster.js';

export type ClusterClient = Cluster | Cluster5;
const opened: ClusterClient[] = [];

/** How a test opens a client of a cluster, with each ioredis. `closeClusterClients` closes them. */
export const openCluster = {
  'ioredis 6': ({ nodes }: Servers, options: ClusterOptions = {}): Cluster => opening(new Cluster([...nodes], options)),
  'ioredis 5': ({ nodes }: Servers, options: Cluster5Options = {}): Cluster5 =>
    opening(new Cluster5([...nodes], options)),
};

export const ioredisVersions = Object.keys(openCluster) as (keyof typeof openCluster)[];

export function closeClusterClients(): void {
  for (const client of opened.splice(0)) client.disconnect();
}

function opening<C extends ClusterClient>(client: C): C {
  opened.push(client);
  client.on('error', () => {});
  return client;
}

/** A new key of a hit for each node, in the order of the nodes. */
export async function keyOnEachNode(client: ClusterClient, { nodes }: Servers): Promise<string[]> {
  const found = new Map<string, string>();
  if (client.status !== 'ready') await once(client, 'ready');
  while (found.size < nodes.length) {
    const key = randomUUID();
    const slot = await client.cluster('KEYSLOT', key);
    // By port alone: what a node calls itself and how it is reached differ in a container.
    found.set(client.slots[slot]![0]!.split(':').at(-1)!, key);
  }
  return nodes.map(({ port }) => found.get(String(port))!);
}
