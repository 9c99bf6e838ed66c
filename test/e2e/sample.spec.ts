import type { INestApplication } from '@nestjs/common';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { algorithmNames } from 'nestjs-redis-rate-limit/engine';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
// @ts-expect-error a script, which has no types
import { isStale } from '../../scripts/stale.mjs';
import { adapters } from '../support/app.js';
import { startCluster } from '../support/redis/cluster.js';
import { sharedRedis } from '../support/redis/servers.js';
import { startRoundRobin } from '../support/round-robin.js';

const apps: INestApplication[] = [];
const processes: ChildProcess[] = [];

afterEach(async () => {
  for (const each of processes.splice(0)) {
    if (each.exitCode === null && each.signalCode === null) process.kill(each.pid!, 'SIGKILL');
  }
  for (const app of apps.splice(0)) await app.close();
});

describe.each(adapters)('the sample on %s', (adapter) => {
  let url: string;

  beforeEach(async () => {
    const app = await createApp(configFrom({ HTTP_ADAPTER: adapter }));
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers });
  const as = (key: string) => ({ 'x-api-key': key });
  const generate = (tenant: string, body: string) => {
    const headers = { 'x-tenant-id': tenant, 'content-type': 'application/json' };
    return fetch(`${url}/api/generate`, { method: 'POST', headers, body });
  };

  it('answers ten of twelve pings and counts them down, then says when to come back', async () => {
    for (let left = 9; left >= 0; left--) {
      const answer = await get('/api/ping');
      expect([answer.status, await answer.text()]).toEqual([200, 'PONG']);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      expect(answer.headers.get('ratelimit-policy')).toBe('"ping";q=10;w=10');
      expect(limits(answer)).toEqual({ ping: left });
    }
    for (let i = 0; i < 2; i++) {
      const denied = await get('/api/ping');
      expect(denied.status).toBe(429);
      expect(limits(denied)).toEqual({ ping: 0 });
      expect(Number(denied.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(denied.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await denied.json()).toMatchObject({ status: 429, 'violated-policies': ['ping'] });
    }
  });

  it.each(algorithmNames)('admits ten requests of a key by %s, and lets another key alone', async (algorithm) => {
    const path = `/api/algorithms/${algorithm}`;
    // At once, because the bucket and gcra give one back every second.
    const answers = await Promise.all(Array.from({ length: 12 }, () => get(path, as('alice'))));
    expect(statuses(answers)).toEqual({ 200: 10, 429: 2 });
    const denied = answers.find(({ status }) => status === 429)!;
    expect(await denied.json()).toMatchObject({ 'violated-policies': [algorithm] });

    const other = await get(path, as('bob'));
    expect([other.status, await other.json()]).toEqual([200, { algorithm }]);
    expect(limits(other)).toEqual({ [algorithm]: 9 });
  });

  it('answers an unknown algorithm with those there are', async () => {
    const answer = await get('/api/algorithms/leaky');
    expect(answer.status).toBe(404);
    const all = 'fixed-window, sliding-window, sliding-log, token-bucket, gcra';
    expect(await answer.json()).toMatchObject({ message: `There is no algorithm "leaky". There are ${all}.` });
  });

  it('leaves the hour of the report uncharged while the burst refuses', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => get('/api/report', as('alice'))));
    expect(statuses(answers)).toEqual({ 200: 5, 429: 3 });
    for (const denied of answers.filter(({ status }) => status === 429)) {
      expect(limits(denied)).toEqual({ burst: 0, hourly: 15 });
      expect(await denied.json()).toMatchObject({ 'violated-policies': ['burst'] });
    }
  });

  it('charges a tenant the tokens it asks for', async () => {
    const first = await generate('acme', '{"tokens": 900}');
    expect([first.status, limits(first)]).toEqual([200, { tokens: 100 }]);
    expect(await first.json()).toMatchObject({ tokens: 900 });

    const denied = await generate('acme', '{"tokens": 900}');
    expect(denied.status).toBe(429);
    // 800 more are to come back, at 1000 a minute.
    expect(Number(denied.headers.get('retry-after'))).toBeGreaterThanOrEqual(45);

    expect((await generate('globex', '{"tokens": 1000}')).status).toBe(200);

    // More than the bucket ever holds is refused for good: there is nothing to wait for.
    const never = await generate('initech', '{"tokens": 1001}');
    expect([never.status, never.headers.get('retry-after')]).toEqual([429, null]);
    expect((await generate('initech', '{"tokens": 1000}')).status).toBe(200);
  });

  it.each([
    ['missing', '{}'],
    ['in a list', '[]'],
    ['a string', '{"tokens": "5"}'],
    ['a fraction', '{"tokens": 1.5}'],
    ['negative', '{"tokens": -5}'],
    ['zero', '{"tokens": 0}'],
    ['null', '{"tokens": null}'],
  ])('refuses tokens that are %s, and charges nothing', async (_what, body) => {
    const refused = await generate('acme', body);
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { message: string }).message).toContain('a whole number of at least 1');
    expect(refused.headers.get('ratelimit')).toBeNull();
    expect(limits(await generate('acme', '{"tokens": 1}'))).toEqual({ tokens: 999 });
  });

  it('refuses a request without a body, and charges nothing', async () => {
    const refused = await fetch(`${url}/api/generate`, { method: 'POST', headers: { 'x-tenant-id': 'acme' } });
    expect(refused.status).toBe(400);
    expect(limits(await generate('acme', '{"tokens": 1}'))).toEqual({ tokens: 999 });
  });

  const logIn = (password: unknown) =>
    fetch(`${url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'alice', password }),
    });

  it('blocks an address that has logged in wrongly too often, whatever the next password is', async () => {
    for (const [wrong, left] of [
      ['guess', 4],
      [undefined, 3],
      [{ $ne: '' }, 2],
      ['', 1],
      ['wonderland!', 0],
    ] as const) {
      const refused = await logIn(wrong);
      expect([refused.status, limits(refused)]).toEqual([401, { login: left }]);
    }
    const blocked = await logIn('wonderland');
    expect([blocked.status, blocked.headers.get('retry-after')]).toEqual([429, '60']);
    expect(await blocked.json()).toMatchObject({ type: expect.stringMatching(/#abnormal-usage-detected$/) });
  });

  it('charges nothing for a right login, and does not forget the wrong ones for it', async () => {
    await logIn('guess');
    for (let i = 0; i < 8; i++) expect((await logIn('wonderland')).status).toBe(200);
    expect(limits(await logIn('guess'))).toEqual({ login: 3 });
  });

  it('blocks nobody for right logins, however many come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn('wonderland')));
    const waits = answers.filter(({ status }) => status !== 200).map(({ headers }) => headers.get('retry-after'));
    expect(new Set(waits)).toEqual(new Set(waits.length > 0 ? ['1'] : []));
    expect((await logIn('wonderland')).status).toBe(200);
    expect(limits(await logIn('guess'))).toEqual({ login: 4 });
  });

  it('admits no more guesses at once than one after the other', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn('guess')));
    expect(statuses(answers)).toEqual({ 401: 5, 429: 15 });
  });

  it('counts a caller by the plan that is looked up for his key, and refuses a key that nobody has', async () => {
    for (const [headers, limit] of [
      [{}, 5],
      [as('free-key'), 10],
      [as('pro-key'), 50],
    ] as const) {
      const answer = await get('/api/weather', { ...headers });
      expect([answer.status, await answer.json()]).toEqual([200, { weather: 'fair' }]);
      expect(answer.headers.get('ratelimit-policy')).toBe(`"plan";q=${limit};w=60`);
      expect(limits(answer)).toEqual({ plan: limit - 1 });
    }
    const unknown = await get('/api/weather', as('nobody'));
    expect([unknown.status, unknown.headers.get('ratelimit')]).toEqual([401, null]);
  });

  /** In seconds since the epoch, and up to a second later: header fields are rounded up. */
  const endOf = (answer: Response): number =>
    Date.now() / 1_000 + Number(/;t=(\d+)/.exec(answer.headers.get('ratelimit')!)![1]);

  it('fills the quota of a minute again at the full minute', async () => {
    const answer = await get('/api/minute', as('alice'));
    expect(answer.headers.get('ratelimit-policy')).toBe('"minute";q=10;w=60');
    expect(limits(answer)).toEqual({ minute: 9 });
    expect(endOf(answer) % 60).toBeLessThan(5);
  });

  it('fills the quota of a customer again on the day of the month on which they subscribed', async () => {
    const day = (seconds: number, timeZone: string) =>
      new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', hour: '2-digit', minute: '2-digit' }).format(
        seconds * 1_000,
      );
    const pro = await get('/api/export', as('pro-key'));
    expect(limits(pro)).toEqual({ monthly: 999 });
    expect(day(endOf(pro), 'America/New_York')).toBe('15, 00:00');
    const free = await get('/api/export', as('free-key'));
    expect(limits(free)).toEqual({ monthly: 99 });
    // The 31st, or the last day of the month: the day before the 1st.
    expect(day(endOf(free), 'Europe/Berlin')).toMatch(/, 00:00$/);
    expect(day(endOf(free) + 86_400, 'Europe/Berlin')).toMatch(/^1,/);
    expect(limits(await get('/api/export'))).toEqual({ monthly: 9 });
    expect((await get('/api/export', as('nobody'))).status).toBe(401);
  });

  it('does not count the key of a partner, and refuses one that has leaked', async () => {
    const partner = await Promise.all(Array.from({ length: 8 }, () => get('/api/feed', as('partner-key'))));
    expect(statuses(partner)).toEqual({ 200: 8 });
    expect(partner.map(({ headers }) => headers.get('ratelimit'))).toEqual(Array(8).fill(null));
    const leaked = await get('/api/feed', as('leaked-key'));
    expect([leaked.status, leaked.headers.get('retry-after')]).toEqual([403, null]);
    expect(await leaked.json()).toMatchObject({ status: 403, 'violated-policies': ['feed'] });
    const others = await Promise.all(Array.from({ length: 8 }, () => get('/api/feed', as('alice'))));
    expect(statuses(others)).toEqual({ 200: 5, 429: 3 });
  });

  it('does not limit what is free, nor its health, which names the store, nor its metrics', async () => {
    for (let i = 0; i < 12; i++) await get('/api/ping');
    const free = await get('/api/free');
    const health = await get('/health');
    expect([free.status, health.status]).toEqual([200, 200]);
    expect(await health.json()).toMatchObject({
      status: 'ok',
      store: 'memory',
      info: { 'rate-limit': { status: 'up', decidedBy: 'store' } },
    });
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    expect(await metrics.text()).toMatch(/^rate_limit_requests_total\{policy="ping",decision="denied",.*\} \d+$/m);
    for (const { headers } of [free, health, metrics]) {
      expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([null, null]);
    }
  });

  it('tries out a tighter limit in shadow, which denies nobody', async () => {
    const answers = await Promise.all(Array.from({ length: 22 }, () => get('/api/search', as('alice'))));
    expect(statuses(answers)).toEqual({ 200: 20, 429: 2 });
    expect(new Set(answers.flatMap((answer) => Object.keys(limits(answer))))).toEqual(new Set(['search']));
  });

  it('shows what there is to try, with the address it was asked by and nothing that may run', async () => {
    const page = await get('/endpoints');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'self'; img-src 'self'; base-uri /,
    );
    expect(await page.text()).toContain(`curl -i ${url}/health`);
  });
});

describe('the environment', () => {
  it('gives the defaults where it says nothing, or says it with an empty value', () => {
    const defaults = { port: 3000, host: '127.0.0.1', adapter: 'express', trustedProxies: 0, redis: undefined };
    expect(configFrom({})).toMatchObject({ ...defaults, ping: { limit: 10, window: '10s' } });
    expect(configFrom({ PORT: '', REDIS_URL: ' ' })).toEqual(configFrom({}));
  });

  it('names API keys with commas between', () => {
    const env = { ALLOWED_API_KEYS: 'a, b,,', DENIED_API_KEYS: ' c ' };
    expect(configFrom(env).apiKeys).toEqual({ allowed: ['a', 'b'], denied: ['c'] });
    expect(configFrom({}).apiKeys).toEqual({ allowed: ['partner-key'], denied: ['leaked-key'] });
  });

  it.each([
    [{ REDIS_URL: 'redis://cache:6380/2' }, 'redis://cache:6380/2'],
    [{ REDIS_HOST: 'cache' }, { host: 'cache', port: 6379, db: 0, password: undefined }],
    [{ REDIS_PORT: '6380' }, { host: '127.0.0.1', port: 6380, db: 0, password: undefined }],
    [
      { REDIS_HOST: 'cache', REDIS_DB: '2', REDIS_PASSWORD: 'p' },
      { host: 'cache', port: 6379, db: 2, password: 'p' },
    ],
    [
      { REDIS_CLUSTER_NODES: 'redis://node-1:7001, redis://node-2:7002' },
      { nodes: ['redis://node-1:7001', 'redis://node-2:7002'] },
    ],
    [
      { REDIS_CLUSTER_NODES: 'redis://node-1', REDIS_PASSWORD: 'p' },
      { nodes: ['redis://node-1'], options: { redisOptions: { password: 'p' } } },
    ],
  ])('%j is Redis at %j', (env, redis) => expect(configFrom(env).redis).toEqual(redis));

  it.each([
    ['PORT', '70000', 'PORT must be a whole number from 0 to 65535, got "70000"'],
    ['PING_LIMIT', 'ten', 'PING_LIMIT must be a whole number from 0 to 1000000, got "ten"'],
    ['HTTP_ADAPTER', 'koa', 'HTTP_ADAPTER must be express or fastify, got "koa"'],
    ['TRUST_PROXY', 'true', 'TRUST_PROXY must be a whole number from 0 to 100, got "true"'],
    ['REDIS_URL', 'localhost:6379', 'REDIS_URL must be like redis://:password@localhost:6379/0, got "localhost:6379"'],
    ['REDIS_PORT', '0', 'REDIS_PORT must be a whole number from 1 to 65535, got "0"'],
    ['REDIS_CLUSTER_NODES', 'redis://a:7001,b:7002', 'REDIS_PASSWORD, got "b:7002"'],
    ['REDIS_CLUSTER_NODES', 'redis://a:7001,', 'must be like redis://node-1:6379,redis://node-2:6379, with'],
    [
      'REDIS_URL',
      '/tmp/redis.sock?password=secret',
      'REDIS_URL must be like redis://:password@localhost:6379/0, got "/tmp/redis.sock?***"',
    ],
    ['REDIS_URL', 'redis:///0', 'REDIS_URL must be like redis://:password@localhost:6379/0, got "redis:///0"'],
    ['REDIS_CLUSTER_NODES', 'redis://:secret@a:7001', 'REDIS_PASSWORD, got "redis://***@a:7001"'],
  ])('%s=%s is refused with its name, its value and the fix', (name, value, message) => {
    expect(() => configFrom({ [name]: value })).toThrow(message);
  });

  it('is refused when it names a Redis and a Cluster', () => {
    const env = { REDIS_URL: 'redis://cache:6379', REDIS_CLUSTER_NODES: 'redis://node-1:6379' };
    expect(() => configFrom(env)).toThrow('REDIS_URL and REDIS_CLUSTER_NODES both say where Redis is: unset one');
  });
});

describe.each(adapters)('behind a proxy, on %s', (adapter) => {
  it.each([
    ['is one for all clients while no proxy is trusted', '0', [200, 429, 429]],
    ['is the one that the trusted proxy names, whatever the client put before it', '1', [200, 200, 429]],
  ])('the address %s', async (_sentence, TRUST_PROXY, expected) => {
    const app = await createApp(configFrom({ HTTP_ADAPTER: adapter, TRUST_PROXY, PING_LIMIT: '1' }));
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/api/ping`;
    const seen: number[] = [];
    for (const forwarded of ['198.51.100.1', '198.51.100.2', '203.0.113.9, 198.51.100.1']) {
      seen.push((await fetch(url, { headers: { 'x-forwarded-for': forwarded } })).status);
    }
    expect(seen).toEqual(expected);
  });
});

describe('as a process', () => {
  beforeAll(() => {
    const run = (...args: string[]) => execFileSync(process.execPath, args, { stdio: 'pipe' });
    if (isStale('libs/rate-limit/dist', 'libs/rate-limit/src', 'libs/rate-limit/package.json')) {
      run('scripts/build-library.mjs');
    }
    if (isStale('apps/sample/dist/main.js', 'apps/sample/src', 'apps/sample/tsconfig.app.json')) {
      run('node_modules/@nestjs/cli/bin/nest.js', 'build', 'sample');
    }
  }, 120_000);

  it('shares one quota with its other instances, exactly', async () => {
    const env = { REDIS_URL: sharedRedis().url, RATE_LIMIT_PREFIX: `sample-${randomUUID()}`, PING_WINDOW: '10m' };
    const instances = await Promise.all([started(env), started({ ...env, HTTP_ADAPTER: 'fastify' })]);
    const store = await Promise.all(instances.map(async ({ url }) => (await fetch(`${url}/health`)).json()));
    expect(store).toMatchObject([
      { status: 'ok', store: 'redis' },
      { status: 'ok', store: 'redis' },
    ]);

    const pings = Array.from({ length: 20 }, (_, i) => fetch(`${instances[i % 2]!.url}/api/ping`));
    expect(statuses(await Promise.all(pings))).toEqual({ 200: 10, 429: 10 });
  });

  it('shares one quota with its other instances on a Cluster, exactly', async () => {
    const cluster = await startCluster();
    try {
      const REDIS_CLUSTER_NODES = cluster.nodes.map(({ url }) => url).join();
      const instances = await Promise.all([started({ REDIS_CLUSTER_NODES }), started({ REDIS_CLUSTER_NODES })]);
      const ping = (key: string, i: number) =>
        fetch(`${instances[i % 2]!.url}/api/algorithms/fixed-window`, { headers: { 'x-api-key': key } });
      // Several keys, so that all the nodes have some.
      for (const key of ['alice', 'bob', 'carol', 'dave', 'eve']) {
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ping(key, i)));
        expect(statuses(answers)).toEqual({ 200: 10, 429: 10 });
      }
    } finally {
      await cluster.stop();
    }
  }, 30_000);

  it('shares one quota for each address behind a proxy, and it is the proxy that says whose', async () => {
    const env = { REDIS_URL: sharedRedis().url, RATE_LIMIT_PREFIX: `sample-${randomUUID()}`, PING_WINDOW: '10m' };
    const instances = await Promise.all([
      started({ ...env, TRUST_PROXY: '1' }),
      started({ ...env, TRUST_PROXY: '1', HTTP_ADAPTER: 'fastify' }),
    ]);
    const urls = instances.map(({ url }) => url);
    for (const client of ['203.0.113.1', '203.0.113.2']) {
      const proxy = await startRoundRobin(urls, client);
      try {
        const ping = (i: number) => {
          const headers = { 'x-forwarded-for': `198.51.100.${i}` };
          return fetch(`${proxy.url}/api/ping`, i < 10 ? { headers } : {});
        };
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ping(i)));
        expect(statuses(answers)).toEqual({ 200: 10, 429: 10 });
        expect(proxy.sent).toEqual([10, 10]);
      } finally {
        await proxy.close();
      }
    }
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('says where it is and what to try, and ends well on %s', async (signal) => {
    const { child, url, greeting } = await started({});
    expect(greeting).toBe(
      `Sample: ${url} (open it in a browser)\n` +
        'Store: memory (set REDIS_URL or REDIS_HOST to share quotas between instances)\n' +
        `Try: for i in $(seq 12); do curl -si ${url}/api/ping; echo; done\n`,
    );
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const exit = once(child, 'exit');
    process.kill(child.pid!, signal);
    expect(await exit).toEqual([0, null]);
  });

  it.each(adapters)(
    'prints what was decided on the span of each request with TRACES=console, on %s',
    async (adapter) => {
      const { child, url } = await started({ TRACES: 'console', HTTP_ADAPTER: adapter });
      let printed = '';
      child.stdout!.on('data', (chunk) => (printed += String(chunk)));
      const headers = { 'x-tenant-id': 'acme', 'content-type': 'application/json' };
      const body = '{"tokens": 900}';
      for (const expected of [200, 429]) {
        const answer = await fetch(`${url}/api/generate?a=secret`, { method: 'POST', headers, body });
        expect(answer.status).toBe(expected);
      }
      while (!printed.includes("'http.response.status_code': 429")) await once(child.stdout!, 'data');
      for (const line of [
        "'url.path': '/api/generate'",
        "'rate_limit.policy': 'tokens'",
        "'rate_limit.decision': 'denied'",
      ]) {
        expect(printed).toContain(line);
      }
    },
  );

  it('is degraded, and still healthy, while Redis is away', async () => {
    const { url } = await started({ REDIS_URL: 'redis://127.0.0.1:1' });
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([
      200,
      expect.objectContaining({ status: 'degraded', store: 'redis' }),
    ]);
  });

  it.each([
    ['reachable', () => sharedRedis().url, 'redis'],
    ['away', () => 'redis://127.0.0.1:1', 'redis (not reachable yet)'],
  ])('says so at the start when Redis is %s', async (_state, url, store) => {
    const { greeting } = await started({ REDIS_URL: url() });
    expect(greeting).toContain(`\nStore: ${store}\n`);
  });

  it.each([
    [{ PORT: 'http' }, 'PORT must be a whole number from 0 to 65535, got "http"'],
    [{ PING_WINDOW: 'ten' }, 'RL_WINDOW_INVALID: policies.ping: window must be like .* got "ten"'],
    [{ REDIS_URL: 'redis://:secret@cache:port' }, 'REDIS_URL must be like .*, got "redis://\\*\\*\\*@cache:port"'],
  ])('ends with one line for %j', async (env, line) => {
    const { code, stderr } = await ended({ PORT: '0', ...env });
    expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^${line}[^\n]*\n$`))]);
  });

  it.each(adapters)('ends with one line when its port is taken, on %s', async (adapter) => {
    const taken = createServer().listen(0, '127.0.0.1');
    try {
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const { code, stderr } = await ended({ PORT: String(port), HTTP_ADAPTER: adapter });
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^listen EADDRINUSE: .*set PORT to another one.*\n$/)]);
    } finally {
      taken.close();
    }
  });
});

/** How much is left, by policy. */
function limits(answer: Response): Record<string, number> {
  const items = (answer.headers.get('ratelimit') ?? '').matchAll(/"([^"]+)";r=(\d+)/g);
  return Object.fromEntries([...items].map(([, name, left]) => [name, Number(left)]));
}

function statuses(answers: readonly Response[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** With this environment and no other. */
function run(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, ['apps/sample/dist/main.js'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  processes.push(child);
  return child;
}

async function started(env: Record<string, string>): Promise<{ child: ChildProcess; url: string; greeting: string }> {
  const child = run({ PORT: '0', ...env });
  let errors = '';
  child.stderr!.on('data', (chunk) => (errors += String(chunk)));
  let greeting = '';
  // Read on afterwards: a process whose output nobody takes ends by its first warning.
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    greeting += String(chunk);
    if (!/^Try: .*\n/m.test(greeting)) continue;
    child.stdout!.resume();
    return { child, url: /^Sample: (\S+)/m.exec(greeting)![1]!, greeting };
  }
  throw new Error(`the sample did not start: ${greeting}${errors}`);
}

async function ended(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const child = run(env);
  const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  return { code: code as number | null, stderr };
}
