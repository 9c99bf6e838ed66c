import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { startCluster } from './cluster.js';
import { serverKinds, sharedRedis, startRedis, type Server } from './servers.js';

const opened: { stop(): Promise<void> }[] = [];
const clients: { disconnect(): void }[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(opened.splice(0).map((server) => server.stop()));
});

async function started(options?: Parameters<typeof startRedis>[0]): Promise<[Server, Redis]> {
  const server = await startRedis(options);
  opened.push(server);
  return [server, clientOf(server.url)];
}

function clientOf(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => {});
  clients.push(client);
  return client;
}

describe('the run’s main server', () => {
  it('answers', async () => {
    await expect(clientOf(sharedRedis().url).ping()).resolves.toBe('PONG');
  });
});

describe('a server that a test starts', () => {
  it('answers, and takes arguments', async () => {
    const [, client] = await started({ args: ['--maxmemory', '10mb'] });
    await expect(client.ping()).resolves.toBe('PONG');
    await expect(client.info('memory')).resolves.toContain('maxmemory:10485760');
  });

  it('answers nothing while frozen, and everything once thawed', async () => {
    const [server, client] = await started();
    await client.ping();
    await server.freeze();
    const answer = client.ping();
    await expect(Promise.race([answer, sleep(200, 'silence')])).resolves.toBe('silence');
    await server.thaw();
    await expect(answer).resolves.toBe('PONG');
  });

  it('can be stopped while frozen', async () => {
    const server = await startRedis();
    await server.freeze();
    await server.stop();
    await expect(accepts(server)).resolves.toBe(false);
  });

  it('comes back empty on the same port, whether it was killed or not', async () => {
    const [server, client] = await started();
    const { port } = server;
    await client.set('a', 1);
    await server.restart();
    await expect(client.get('a')).resolves.toBeNull();

    await client.set('a', 1);
    await server.kill();
    await expect(accepts(server)).resolves.toBe(false);
    await server.restart();
    await expect(client.get('a')).resolves.toBeNull();
    expect(server.port).toBe(port);
  });

  it('frees its port when it stops', async () => {
    const server = await startRedis();
    await expect(accepts(server)).resolves.toBe(true);
    await server.stop();
    await expect(accepts(server)).resolves.toBe(false);
  });

  it('tells its own words when it cannot start', async () => {
    await expect(startRedis({ args: ['--maxmemory', 'plenty'] })).rejects.toThrow(/did not start:[^]*maxmemory/);
  });
});

describe.each(serverKinds())('$label', (kind) => {
  it('starts, and is the version it is called', async () => {
    const [server, client] = await started({ kind });
    expect(server.version).toBe(kind.version);
    await expect(client.info('server')).resolves.toContain(`${kind.name}_version:${kind.version}`);
  });

  it('makes a cluster', async () => {
    const cluster = await startCluster({ kind, masters: 3 });
    opened.push(cluster);
    const client = new Cluster([...cluster.nodes]);
    clients.push(client);
    // One key for each third of the slots.
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await client.set(key, key);
    await expect(client.get('f')).resolves.toBe('f');
    expect(client.nodes('master')).toHaveLength(3);
  });
});

function accepts({ host, port }: Server): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
