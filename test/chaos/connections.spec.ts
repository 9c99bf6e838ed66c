import { readFileSync } from 'node:fs';
import { RATE_LIMIT_STORE, RateLimiter, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startProxy } from '../support/proxy.js';
import { startCluster } from '../support/redis/cluster.js';
import { startSentinels } from '../support/redis/sentinel.js';
import { startRedis } from '../support/redis/servers.js';
import { tryOnceMore } from './busy-machine.js';

tryOnceMore();

const daily = { name: 'daily', limit: 1_000, window: '1d', onStoreFailure: 'closed' } as const;
/** The least that docs/redis.md says a user needs. */
const PERMISSIONS = /ACL SETUSER limiter on >secret (.*)$/m.exec(readFileSync('docs/redis.md', 'utf8'))![1]!.split(' ');

const opened: { stop(): Promise<unknown> }[] = [];
const opening = <T extends { stop(): Promise<unknown> }>(each: T): T => (opened.push(each), each);
afterEach(async () => {
  await closeApps();
  closeClients();
  for (const each of opened.splice(0).reverse()) await each.stop();
});

/** How an application that is set up so decides: by Redis, the very first request included. */
async function expectToWork(redis: RateLimitModuleOptions['redis']): Promise<void> {
  const { nest } = await boot('fastify', { redis }, {});
  const limiter = nest.get(RateLimiter);
  const left = await Promise.all(Array.from({ length: 20 }, (_, i) => limiter.consume(daily, `k${i}`)));
  expect(left.every(({ remaining, by }) => remaining === 999 && by === 'store')).toBe(true);
  expect(await nest.get(RATE_LIMIT_STORE).consume([])).toEqual([]);
}

const pem = (name: string) => readFileSync(new URL(`../support/tls/${name}.pem`, import.meta.url));

async function startTls() {
  const server = opening(await startRedis());
  return opening(await startProxy(server, { tls: { key: pem('key'), cert: pem('cert') } }));
}

describe('forRoot connects', () => {
  it('by options', async () => {
    const { host, port } = opening(await startRedis());
    await expectToWork({ host, port });
  });

  it('by a url with a user, who has no more permissions than the documentation asks for', async () => {
    const { url, host, port } = opening(await startRedis());
    await connectTo(url).call('ACL', 'SETUSER', 'limiter', 'on', '>secret', ...PERMISSIONS);
    await expectToWork(`redis://limiter:secret@${host}:${port}/0`);
  });

  it('by TLS, to a certificate that it is told to trust', async () => {
    const { host, port } = await startTls();
    await expectToWork({ host, port, tls: { ca: pem('cert') } });
  });

  it('by TLS to no other one: a certificate that nobody vouches for is refused', async () => {
    const { url } = await startTls();
    const { nest } = await boot('fastify', { redis: url }, {});
    await expect(nest.get(RateLimiter).consume(daily, 'k')).rejects.toThrow(
      /Redis at .* is not connected: self-signed certificate/,
    );
  });

  it('through Sentinel, of which the first that it is told of is away', async () => {
    const { name, sentinels } = opening(await startSentinels());
    const nodes = sentinels.map(({ host, port }) => ({ host, port }));
    await sentinels[0]!.kill();
    await expectToWork({ sentinels: nodes, name });
  }, 60_000);

  it('to a Cluster, of which the first node that it is told of is away', async () => {
    const { nodes } = opening(await startCluster({ replicas: 1 }));
    // A replica: it is only asked where the others are.
    const known = [nodes.at(-1)!, nodes[0]!];
    await known[0]!.kill();
    await expectToWork({ nodes: known.map(({ host, port }) => ({ host, port })) });
  }, 60_000);
});
