import { randomUUID } from 'node:crypto';
import { createLimiter, type Limiter, type LimiterOptions } from 'nestjs-redis-rate-limit/engine';
import { closeClients, connectTo } from '../support/clients.js';
import { startCluster, type Cluster } from '../support/redis/cluster.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { objectsIn, runCli, type Ran } from './run.js';

const policies = {
  login: { limit: 3, window: '15m', blockFor: '1h' },
  'login:fw900000': { limit: 3, window: '15m', blockFor: '1h' },
  daily: { limit: 100, window: 'day Europe/Berlin' },
  sliding: { algorithm: 'sliding-window', limit: 10, window: '1h' },
  log: { algorithm: 'sliding-log', limit: 10, window: '1h' },
  bucket: { algorithm: 'token-bucket', limit: 10, window: '10h' },
  uploads: { algorithm: 'concurrency', limit: 3, lease: '1h' },
  trial: { limit: 1, window: '1h', blockFor: '1h', mode: 'shadow' },
} as const;

/** Text that a terminal, a shell, a pattern of Redis or our own keys could misread. */
const HOSTILE = [
  ...['*', 'user:?', '[a-z]*', 'a\\b', '{user}', 'user:1}:login:fw900000:block', 'a\nb', '\u001b[2J\u001b]0;x\u0007'],
  ...['\u202euser', 'ключ:😀', ':block', '%', '#', ' ', '-x', 'k'.repeat(300)],
];

let server: Server;
let cluster: Cluster;
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startCluster()]);
});
afterAll(async () => {
  closeClients();
  await Promise.all([server?.stop(), cluster?.stop()]);
});

const kinds: [string, () => { redis: LimiterOptions['redis']; args: string[] }][] = [
  ['a server', () => ({ redis: server.url, args: [`--url=${server.url}`] })],
  [
    'a Cluster',
    () => ({ redis: { nodes: [cluster.nodes[0]!.url] }, args: [`--url=${cluster.nodes[0]!.url}`, '--cluster'] }),
  ],
];

describe.each(kinds)('on %s', (_, place) => {
  let limiter: Limiter;
  let cli: (...args: string[]) => Promise<Ran>;
  beforeEach(async () => {
    const { redis, args } = place();
    const prefix = `p[*]${randomUUID()}`;
    limiter = await createLimiter({ redis, prefix, policies, denialCache: false, timeout: 10_000 });
    cli = (...words) =>
      runCli([...words.slice(0, 1), ...args, `--prefix=${prefix}`, '--timeout=10000', ...words.slice(1)]);
  });
  afterEach(() => limiter.close());

  const json = async (...words: string[]) => objectsIn(await cli(words[0]!, '--json', ...words.slice(1)));
  const deny = async (policy: string, key: string) => {
    for (let i = 0; i < 4; i++) await limiter.consume(policy, key);
  };

  it('inspect shows what is used, and what is left where the limit is known', async () => {
    const key = 'user:1';
    for (const policy of ['daily', 'sliding', 'log', 'bucket']) await limiter.consume(policy, key, { cost: 4 });
    await limiter.reserve('uploads', key, { ttl: '1m' });
    await deny('login', key);
    await limiter.limits.set('log', { limit: 20 });
    await limiter.limits.override('sliding', key, { limit: 5 });
    const reports = await json('inspect', key, '--limit', 'bucket=10', '--limit', 'uploads=3');
    const shown = reports.map(({ policy, limitFrom, used, remaining }) => [policy, limitFrom, used, remaining]);
    expect(shown).toEqual([
      ['bucket', 'option', 4, 6],
      ['daily', null, 4, null],
      ['log', 'set', 4, 16],
      ['login', null, 3, null],
      ['sliding', 'override', 4, 1],
      ['uploads', 'option', 1, 2],
    ]);
    expect(reports[3]!.blockedFor).toBeGreaterThan(3_590_000);
    expect((await json('inspect', key))[0]).toMatchObject({
      policy: 'bucket',
      used: null,
      remaining: null,
      mode: null,
    });
    await limiter.limits.set('bucket', { mode: 'shadow' });
    expect((await json('inspect', key))[0]).toMatchObject({ policy: 'bucket', mode: 'shadow' });
    expect((await cli('inspect', key)).out).toContain('set to shadow');
    await limiter.limits.clear('bucket');
    // Looking changed nothing: a slot keeps its lease, and a bucket what it owes.
    expect((await limiter.holds('uploads', key))[0]!.expiresIn).toBeGreaterThan(50_000);
    expect(await limiter.peek('bucket', key)).toMatchObject({ remaining: 6 });
    expect(await cli('inspect', 'user:2')).toMatchObject({ code: 1, out: '' });
  });

  it('blocked, unblock and reset mean exactly the caller and the policy that they name', async () => {
    await Promise.all([...HOSTILE, 'user:1', 'user:2'].map((key) => deny('login', key)));
    await deny('login:fw900000', 'user:1');
    await deny('trial', 'user:1');
    const listed = await json('blocked', 'login');
    const digest = expect.stringMatching(/^#[\w-]{43}$/) as string;
    expect(listed.map(({ key, digest }) => key ?? digest).sort()).toEqual(
      [...HOSTILE.slice(0, -1), 'user:1', 'user:2', digest].sort((a, b) => (listedAs(a) < listedAs(b) ? -1 : 1)),
    );
    expect(await json('blocked', 'trial')).toEqual([]);
    expect(await json('blocked', 'trial', '--shadow')).toMatchObject([{ key: 'user:1' }]);
    expect(await cli('blocked', '*')).toMatchObject({ code: 1 });

    for (const key of HOSTILE) {
      expect(await cli('unblock', 'login', '--', key)).toMatchObject({ code: 0 });
      expect(await cli('unblock', 'login', '--', key)).toMatchObject({ code: 1 });
      expect(await json('inspect', '--', key)).toMatchObject([{ id: 'login:fw900000', used: 3, blockedFor: 0 }]);
      expect(await cli('reset', 'login', '--', key)).toMatchObject({ code: 0 });
      expect(await cli('reset', 'login', '--', key)).toMatchObject({ code: 1 });
      expect(await limiter.peek('login', key)).toMatchObject({ remaining: 3 });
    }
    expect((await json('blocked', 'login')).map(({ key }) => key).sort()).toEqual(['user:1', 'user:2']);
    expect((await json('blocked', 'login:fw900000:fw900000')).length).toBe(1);
  });

  it('limits set, list and clear what the application follows', async () => {
    expect(await cli('limits', 'list')).toMatchObject({ code: 1 });
    expect(await cli('limits', 'set', 'login', '7')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--window') as string,
    });
    expect(await cli('limits', 'set', 'login', '7', '--window=15m')).toMatchObject({ code: 0 });
    expect(await limiter.limits.get('login')).toMatchObject({ limit: 7 });
    expect(await cli('limits', 'set', 'login:fw900000', '--mode=shadow')).toMatchObject({ code: 0 });
    expect(await limiter.limits.get('login')).toMatchObject({ limit: 7, mode: 'shadow' });
    expect(await cli('limits', 'set', 'login:fw900000', '9', '--key=user:1')).toMatchObject({ code: 0 });
    expect(await limiter.limits.get('login', 'user:1')).toMatchObject({ limit: 9 });
    expect(await json('limits', 'list', 'login')).toMatchObject([
      { id: 'login:fw900000', key: null, limit: 7, mode: 'shadow' },
      { id: 'login:fw900000', key: 'user:1', limit: 9, mode: null },
    ]);
    expect(await cli('limits', 'set', 'login:fw900000', 'many')).toMatchObject({ code: 2 });
    expect(await cli('limits', 'set', 'login:fw900000', '5', '--burst=2')).toMatchObject({ code: 2 });
    expect(await cli('limits', 'clear', 'login')).toMatchObject({ code: 0 });
    expect(await cli('limits', 'clear', 'login')).toMatchObject({ code: 1 });
    expect(await limiter.limits.get('login')).toMatchObject({ limit: 3, mode: 'enforce' });
  });

  it('holds are listed and released', async () => {
    await limiter.reserve('uploads', 'user:1', { ttl: '1m' });
    await limiter.reserve('bucket', 'user:1', { cost: 4, ttl: '1m' });
    const [slot] = await json('holds', 'uploads', 'user:1');
    expect(await cli('release', 'uploads', 'user:1', String(slot!.hold))).toMatchObject({ code: 0 });
    expect(await cli('holds', 'uploads', 'user:1')).toMatchObject({ code: 1 });
    const [units] = await json('holds', 'bucket', 'user:1');
    expect(await cli('release', 'bucket', 'user:1', String(units!.hold))).toMatchObject({ code: 2 });
    expect(await cli('release', 'bucket', 'user:1', String(units!.hold), '--limit=bucket=10')).toMatchObject({
      code: 0,
    });
    expect(await limiter.peek('bucket', 'user:1')).toMatchObject({ remaining: 10 });
  });

  it('prints no character of a key that a terminal would obey', async () => {
    const key = '\u001b[2J\u009b\u202e\u2028\n\u007f"';
    await deny('login', key);
    for (const more of [[], ['--json']]) {
      const { out, err } = await cli('blocked', ...more, 'login');
      expect(`${out}${err}`.replace(/\n$/, '')).toMatch(/^[\x20-\x7e]+$/);
      const inspected = await cli('inspect', ...more, key);
      expect(`${inspected.out}${inspected.err}`).toMatch(/^[\x20-\x7e\n]+$/);
    }
  });
});

const listedAs = (key: unknown): string => (typeof key === 'string' ? key : '#zzz');

describe('the command line', () => {
  const url = () => `--url=${server.url}`;

  it.each([
    [[], 'Usage'],
    [['nonsense'], 'there is no command nonsense'],
    [['limits'], 'limits needs one more word: limits list, limits set, limits clear'],
    [['unblok', 'login', 'a'], 'did you mean unblock'],
    [['inspect'], 'KEY is missing'],
    [['inspect', 'a', 'b'], 'b is one word too many'],
    [['inspect', 'a', '--shadow'], '--shadow'],
    [['inspect', 'a', '--limit=login'], '--limit must be'],
    [['inspect', 'a', '--timeout=soon'], 'RL_TIMEOUT_INVALID'],
    [['inspect', 'a', '--ipv6-prefix=5'], '--ipv6-prefix'],
    [['inspect', 'a', '--url=http://:secret@x'], 'RL_REDIS_INVALID'],
    [['\u001b[2J'], '"\\u001b[2J"'],
  ] as [string[], string][])('%j is wrong use', async (args, said) => {
    const at = args.some((arg) => arg.startsWith('--url')) || args.length === 0 ? [] : [url()];
    const { code, out, err } = await runCli([...args, ...at]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(said);
    expect(err).not.toContain('secret');
    expect(err).not.toContain('\u001b');
  });

  it('shows help for all and for each command, without Redis', async () => {
    const { code, out } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const name of [
      'inspect',
      'blocked',
      'unblock',
      'reset',
      'limits list',
      'limits set',
      'limits clear',
      'holds',
      'release',
    ]) {
      expect(out).toContain(`  ${name} `);
      const own = await runCli([...name.split(' '), '--help', '--url=redis://127.0.0.1:1']);
      expect(own).toMatchObject({ code: 0, err: '' });
      expect(own.out).toContain(`nestjs-redis-rate-limit ${name}`);
    }
  });

  it('passes over keys of others that look like ours, and limits that no application can use', async () => {
    const prefix = randomUUID();
    const client = connectTo(server.url);
    for (const id of ['foo:fw0', 'foo:tb999999999999999999999', 'login:fw900000']) {
      await client.set(`${prefix}:{user:1}:${id}`, 'foreign');
    }
    const book = { version: '3', 'login:fw900000': '2 7 -', 'login:fw900000\0user:1': '3 99999999999999999999 -' };
    await client.hset(`${prefix}:{limits}`, book);
    const ran = await runCli(['inspect', '--json', 'user:1', url(), `--prefix=${prefix}`]);
    expect(ran.code).toBe(0);
    expect(objectsIn(ran)).toMatchObject([{ id: 'login:fw900000', limit: 7, limitFrom: 'set', remaining: 7 }]);
  });

  it('says that Redis does not answer, and no password', async () => {
    const { code, out, err } = await runCli(['blocked', 'login'], { REDIS_URL: 'redis://me:secret@127.0.0.1:1' });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('127.0.0.1:1 is not connected');
    expect(err).not.toContain('secret');
    const of = await runCli(['blocked', 'login', '--cluster', '--url=redis://me:secret@127.0.0.1:1']);
    expect(of).toMatchObject({ code: 3, out: '' });
    expect(of.err).toMatch(/The Redis Cluster is not connected: \S/);
    expect(of.err).not.toContain('secret');
  });

  it('refuses to look at one node of a Cluster only', async () => {
    const { code, err } = await runCli(['inspect', 'user:1', `--url=${cluster.nodes[0]!.url}`]);
    expect(code).toBe(2);
    expect(err).toContain('--cluster');
  });

  it('counts an address as the application does, and says so', async () => {
    const { err } = await runCli(['inspect', 'ip:2001:db8::1', url()]);
    expect(err).toContain('ip:2001:db8::/64');
  });
});
