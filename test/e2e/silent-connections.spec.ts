import { AbstractConnector, type RedisOptions } from 'ioredis';
import { createHook } from 'node:async_hooks';
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, disconnect } from '../../libs/rate-limit/src/stores/redis/connection/connection.js';
import { closeSilentConnections } from '../../libs/rate-limit/src/stores/redis/connection/silent-connections.js';
import { closeClusterClients, ioredisVersions, openCluster } from '../exactness/cluster-clients.js';
import { closeClients, connectTo, connectWithIoredis5 } from '../support/clients.js';
import { startProxy, type Proxy, type ProxyOptions } from '../support/proxy.js';
import { startCluster, type Cluster } from '../support/redis/cluster.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { until } from '../support/redis/until.js';

/** In milliseconds. */
const SPAN = 300;
/** The next look, and a busy machine. */
const SOON = SPAN + 600;

const pem = (name: string) => readFileSync(new URL(`../support/tls/${name}.pem`, import.meta.url));
const tls = { key: pem('key'), cert: pem('cert') };

/** Its sockets do not say how many bytes they have read. */
class Uncounted extends AbstractConnector {
  declare protected stream: Socket;
  constructor(private readonly at: { port?: number; disconnectTimeout?: number }) {
    super(at.disconnectTimeout ?? 0);
  }
  async connect(): Promise<Socket> {
    this.stream = connectSocket(this.at.port!, '127.0.0.1');
    return Object.defineProperty(this.stream, 'bytesRead', { value: undefined });
  }
}

const options = { socketTimeout: SPAN, maxRetriesPerRequest: 0, retryStrategy: () => 10 } satisfies RedisOptions;

/** How each client comes to its proxy. */
const ways = {
  'ioredis 6': (url: string) => connectTo(url, options),
  'ioredis 5': (url: string) => connectWithIoredis5(url, options),
  'over TLS': (url: string) => connectTo(url, { ...options, tls: { ca: tls.cert } }),
  'with sockets that do not count bytes': (url: string) =>
    connectTo(url, { ...options, Connector: Uncounted as never }),
};
type Way = keyof typeof ways;

/** The watches that run, and how many timers ioredis has made for its own option. */
const watches = new Set<number>();
let ofIoredis = 0;
const hook = createHook({
  init(id, type) {
    if (type !== 'Timeout') return;
    const { stack = '' } = new Error();
    if (stack.includes('silent-connections.ts')) watches.add(id);
    if (stack.includes('setSocketTimeout')) ofIoredis++;
  },
  destroy: (id) => void watches.delete(id),
});
beforeAll(() => void hook.enable());
afterAll(() => void hook.disable());
beforeEach(() => {
  watches.clear();
  ofIoredis = 0;
});

let server: Server;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server?.stop());
/** What a test opens. */
const after: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  closeClients();
  closeClusterClients();
  for (const close of after.splice(0).reverse()) await close();
});

async function proxied(target: Server, proxyOptions: ProxyOptions = {}): Promise<Proxy> {
  const proxy = await startProxy(target, proxyOptions);
  after.push(() => proxy.stop());
  return proxy;
}

async function open(way: Way) {
  const proxy = await proxied(server, way === 'over TLS' ? { tls } : {});
  const client = ways[way](proxy.url);
  closeSilentConnections(client);
  const lost: { why: string; at: number }[] = [];
  client.on('error', ({ message }: Error) => lost.push({ why: message, at: performance.now() }));
  if (client.status !== 'ready') await once(client, 'ready');
  return { proxy, client, lost };
}

const silent = `Socket timeout. Expecting data, but didn't receive any in ${SPAN}ms.`;

describe.each(Object.keys(ways) as Way[])('a connection, %s', (way) => {
  it('is replaced if a command waits and nothing arrives for the whole span', async () => {
    const { proxy, client, lost } = await open(way);
    await client.ping();
    proxy.silence();
    const began = performance.now();
    await expect(client.ping()).rejects.toThrow();
    expect(lost).toEqual([{ why: silent, at: expect.any(Number) }]);
    expect(lost[0]!.at - began).toBeGreaterThan(SPAN - 5);
    expect(lost[0]!.at - began).toBeLessThan(SOON);
    if (client.status !== 'ready') await once(client, 'ready');
    expect(await client.ping()).toBe('PONG');
    // Its successor is watched too.
    proxy.silence();
    await expect(client.ping()).rejects.toThrow();
    expect(lost).toHaveLength(2);
  });
});

describe('a connection', () => {
  it('is kept while it is idle, while replies are slow, and while those to others arrive', async () => {
    const all = await Promise.all((['ioredis 6', 'ioredis 5', 'over TLS'] as const).map(open));
    await Promise.all(
      all.map(async ({ proxy, client }) => {
        await sleep(1.5 * SPAN);
        // Each begins at another point between two looks, and at least one look finds nothing waiting before it.
        proxy.delay(SPAN * 0.42);
        for (let asked = 0; asked < 4; asked++) await client.ping().then(() => sleep(1.4 * (SPAN / 4)));
        // Now each reply takes longer than the span. Raised step by step, so that there is no gap as long.
        const replies: Promise<unknown>[] = [];
        for (const delay of [0.42, 0.6, 0.8]) {
          proxy.delay(SPAN * delay);
          for (const began = performance.now(); performance.now() - began < SPAN; await sleep(20))
            replies.push(client.ping());
        }
        await Promise.all(replies);
      }),
    );
    expect(all.map(({ lost }) => lost)).toEqual([[], [], []]);
  });

  it('is given up as silent before it was ever ready, too', async () => {
    const proxy = await proxied(server);
    proxy.blackHole();
    const client = connectTo(proxy.url, options);
    closeSilentConnections(client);
    const [error] = (await once(client, 'error')) as [Error];
    expect(error.message).toBe(silent);
  });
});

describe('a node of a Cluster', () => {
  let cluster: Cluster;
  let proxy: Proxy;
  beforeAll(async () => void (cluster = await startCluster({ masters: 1 })));
  afterAll(() => cluster?.stop());
  beforeEach(async () => void (proxy = await proxied(cluster.nodes[0]!)));
  const natMap = () => ({ [`127.0.0.1:${cluster.nodes[0]!.port}`]: { host: proxy.host, port: proxy.port } });

  it.each(ioredisVersions)('that goes silent is connected again, %s', async (version) => {
    const behind = { ...cluster, nodes: [{ ...cluster.nodes[0]!, port: proxy.port }] };
    const client = openCluster[version](behind, {
      natMap: natMap(),
      redisOptions: { ...options, autoResendUnfulfilledCommands: false },
    });
    closeSilentConnections(client);
    await client.get('k');
    expect([watches.size, ofIoredis]).toEqual([1, 0]);
    proxy.silence();
    const [[error]] = await Promise.all([once(client, 'node error'), client.get('k').catch(() => {})]);
    expect((error as Error).message).toBe(silent);
    expect(await client.get('k')).toBeNull();
  });

  it('is watched by the limiter, for the span that the options say', async () => {
    const connection = await connect(
      { nodes: [proxy.url], options: { natMap: natMap(), redisOptions: { socketTimeout: SPAN } } },
      250,
      () => {},
    );
    after.push(() => disconnect(connection, 250));
    expect([watches.size, ofIoredis]).toEqual([1, 0]);
    const client = connection.client as unknown as EventEmitter;
    proxy.silence();
    const [[error]] = await Promise.all([once(client, 'node error'), connection.client.hget('k', 'f').catch(() => {})]);
    expect((error as Error).message).toBe(silent);
  });
});

describe('the watch', () => {
  it('is one timer for each connection, and none when it is closed or lost', async () => {
    const proxy = await proxied(server);
    const connection = await connect(proxy.url, 250, () => {});
    after.push(() => disconnect(connection, 250));
    const { client } = connection;
    expect([watches.size, ofIoredis]).toEqual([1, 0]);
    await Promise.all(Array.from({ length: 50 }, () => client.hget('k', 'f')));
    expect([watches.size, ofIoredis]).toEqual([1, 0]);
    await proxy.refuse();
    await until('it is watched still', async () => watches.size === 0);
    await proxy.accept();
    await until('it does not come back', async () => client.status === 'ready');
    expect([watches.size, ofIoredis]).toEqual([1, 0]);
    await disconnect(connection, 250);
    await until('it is watched still', async () => watches.size === 0);
  });
});
