import { Cluster, Redis } from 'ioredis';
import { closeClients, connectTo } from '../clients.js';
import { startCluster } from './cluster.js';
import { startSentinels } from './sentinel.js';
import type { Server } from './servers.js';
import { until } from './until.js';

const opened: { stop(): Promise<void> }[] = [];
const clients: { disconnect(): void }[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  closeClients();
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

function opening<C extends Redis | Cluster>(client: C): C {
  clients.push(client);
  client.on('error', () => {});
  return client;
}

async function becomes(server: Server, role: 'master' | 'slave'): Promise<void> {
  const client = connectTo(server.url);
  await until(`${server.url} did not become a ${role}`, async () => {
    const info = await client.info('replication');
    return (info.includes(`role:${role}`) && (role === 'master' || info.includes('link_status:up'))) || info;
  });
}

describe('a cluster with replicas', () => {
  it('a replica takes over from a killed master, which joins again as a replica', async () => {
    const cluster = await startCluster({ replicas: 1, args: ['--cluster-node-timeout', '1000'] });
    opened.push(cluster);
    const client = opening(new Cluster([...cluster.nodes]));
    // Its slot is in the first third.
    await client.set('b', 'kept');
    await client
      .nodes('master')
      .find(({ options }) => options.port === cluster.masters[0]!.port)!
      .wait(1, 1_000);
    await cluster.masters[0]!.kill();
    await becomes(cluster.replicas[0]![0]!, 'master');
    await cluster.masters[0]!.restart();
    await becomes(cluster.masters[0]!, 'slave');
    await expect(client.get('b')).resolves.toBe('kept');
  });
});

describe('sentinels', () => {
  it('name the replica when the primary is frozen, and clients follow', async () => {
    const watched = await startSentinels({ downAfter: 300 });
    opened.push(watched);
    const { name, sentinels, servers } = watched;
    const [first, second] = servers as [Server, Server];
    await expect(watched.primary()).resolves.toBe(first);

    const client = opening(new Redis({ name, sentinels: sentinels.map(({ host, port }) => ({ host, port })) }));
    await client.set('a', 'kept');
    await client.wait(1, 1_000);
    await first.freeze();
    await until('no other was named', async () => (await watched.primary()) === second);
    await becomes(second, 'master');
    await first.kill();
    await expect(client.get('a')).resolves.toBe('kept');
  });
});
