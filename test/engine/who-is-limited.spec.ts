import { randomUUID } from 'node:crypto';
import { createLimiter, type Limiter, type LimiterOptions } from 'nestjs-redis-rate-limit/engine';
import { closeClients, connectTo } from '../support/clients.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/redis/until.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const policies = {
  login: { limit: 1, window: '15m', blockFor: '1h' },
  trial: { limit: 2, window: '1m', mode: 'shadow' },
  uploads: { algorithm: 'concurrency', limit: 3 },
  bucket: { algorithm: 'token-bucket', limit: 10, window: '1h', deny: ['user:spam'] },
} as const;

const open: Limiter[] = [];
let server: Server;
let proxy: Proxy;
beforeAll(async () => {
  server = await startRedis();
  proxy = await startProxy(server);
});
afterEach(() => Promise.all(open.splice(0).map((limiter) => limiter.close())));
afterAll(async () => {
  closeClients();
  await proxy?.stop();
  await server?.stop();
});

async function limiterOn(options: LimiterOptions = {}): Promise<Limiter> {
  const limiter = await createLimiter({ policies, ...options, logger: { log() {}, warn() {}, error() {} } });
  open.push(limiter);
  return limiter;
}

const kinds: [string, () => LimiterOptions][] = [
  ['memory', () => ({})],
  ['Redis', () => ({ redis: server.url, prefix: `test-${randomUUID()}`, timeout: 10_000 })],
];

describe.each(kinds)('a limiter in %s', (_, options) => {
  it('lists the callers that a policy blocks', async () => {
    const limiter = await limiterOn(options());
    for (let i = 0; i < 2; i++) await limiter.consume('login', 'user:1');
    await limiter.block('login', 'user:2', '1m');
    await limiter.block('login', 'user:3', '1m');
    await limiter.unblock('login', 'user:3');
    const keys: unknown[] = [];
    for await (const { key, blockedFor } of limiter.blocked('login')) keys.push([key, blockedFor > 59_000]);
    expect(keys.sort()).toEqual([
      ['user:1', true],
      ['user:2', true],
    ]);
  });

  it('refuses to list blocks of a policy without blockFor, and of an unknown policy', async () => {
    const limiter = await limiterOn(options());
    expect(() => limiter.blocked('bucket')).toThrow('RL_BLOCK_OFF');
    expect(() => limiter.blocked('nobody')).toThrow('RL_UNKNOWN_POLICY');
  });

  it('shows a caller under every policy, with limits that were set', async () => {
    const limiter = await limiterOn(options());
    for (let i = 0; i < 2; i++) await limiter.consume('login', 'user:1');
    await limiter.consume('trial', 'user:1');
    await limiter.reserve('uploads', 'user:1', { ttl: '1m' });
    await limiter.limits.override('bucket', 'user:1', { limit: 20 });
    const states = await limiter.inspect('user:1');
    expect(states.map(({ policy, mode, list, quota }) => [policy, mode, list, quota?.limit, quota?.remaining])).toEqual(
      [
        ['login', 'enforce', undefined, 1, 0],
        ['trial', 'shadow', undefined, 2, 1],
        ['uploads', 'enforce', undefined, 3, 2],
        ['bucket', 'enforce', undefined, 20, 20],
      ],
    );
    expect(states[0]!.quota).toMatchObject({ by: 'store', blockedFor: expect.any(Number) as number });
    expect(states[0]!.quota!.blockedFor).toBeGreaterThan(3_590_000);
    expect(states[2]!.quota).toMatchObject({ inUse: 1 });
    expect((await limiter.inspect('user:spam'))[3]).toMatchObject({ policy: 'bucket', list: 'deny' });
  });

  it('inspect spends nothing and reports no event', async () => {
    const seen: unknown[] = [];
    const limiter = await limiterOn({ ...options(), observer: { decided: (event) => seen.push(event) } });
    const first = await limiter.inspect('user:1');
    expect(await limiter.inspect('user:1')).toEqual(first);
    expect(seen).toEqual([]);
  });
});

describe('on Redis', () => {
  it('a caller is inspected in one command', async () => {
    const limiter = await limiterOn({ redis: proxy.url, prefix: `test-${randomUUID()}`, timeout: 10_000 });
    await limiter.inspect('user:1');
    const monitor = await connectTo(server.url).monitor();
    const seen: string[] = [];
    const key = `user:${randomUUID()}`;
    monitor.on('monitor', (_: string, args: string[], source: string) => {
      if (source !== 'lua' && args.some((arg) => arg.includes(key))) seen.push(args[0]!);
    });
    await limiter.inspect(key);
    // MONITOR shows commands in their order, so this one comes last.
    await until('the command was not seen', async () => {
      await connectTo(server.url).ping();
      return seen.length > 0;
    });
    monitor.disconnect();
    expect(seen).toEqual(['evalsha']);
  });

  it('thousands of blocks are listed, whatever the prefixes look like', async () => {
    const at = `p[*?]${randomUUID()}`;
    const limiter = await limiterOn({
      redis: { host: '127.0.0.1', port: server.port, keyPrefix: `k*${at}:` },
      prefix: at,
      timeout: 10_000,
    });
    const count = 3_000;
    await Promise.all(Array.from({ length: count }, (_, i) => limiter.block('login', `user:${i}`, '1m')));
    const keys = new Set<string | undefined>();
    for await (const { key } of limiter.blocked('login')) keys.add(key);
    expect(keys.size).toBe(count);
  });

  it('lists what stands in this process while Redis does not answer, and a closed policy fails', async () => {
    const prefix = `test-${randomUUID()}`;
    const closed = { limit: 1, window: '1m', blockFor: '1m', onStoreFailure: 'closed' } as const;
    const limiter = await limiterOn({ redis: proxy.url, prefix, timeout: 100, policies: { ...policies, closed } });
    for (let i = 0; i < 2; i++) await limiter.consume('login', 'user:1');
    proxy.blackHole();
    try {
      const callers: unknown[] = [];
      for await (const caller of limiter.blocked('login')) callers.push(caller);
      expect(callers).toEqual([{ key: 'user:1', by: 'local', blockedFor: expect.any(Number) as number }]);
      await expect(limiter.blocked('closed')[Symbol.asyncIterator]().next()).rejects.toThrow('RL_STORE_UNAVAILABLE');
    } finally {
      proxy.restore();
    }
  });
});
