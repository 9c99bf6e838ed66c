import type { INestApplication } from '@nestjs/common';
import { algorithmNames } from 'nestjs-redis-rate-limit/engine';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { adapters } from '../support/app.js';
import { sharedRedis, startRedis } from '../support/redis/servers.js';
import { soonAfter } from '../support/soon-after.js';

const apps: INestApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(env: Record<string, string>): Promise<string> {
  const app = await createApp(configFrom(env));
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

const post = (url: string, body: unknown, visitor = 'visitor-1') =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-visitor': visitor },
    body: JSON.stringify(body),
  });
const policy = { algorithm: 'fixed-window', limit: 2, window: 10_000 };
const alice = { client: 'alice', policy };

describe.each(adapters)('the demo on %s', (adapter) => {
  let url: string;
  beforeEach(async () => (url = await start({ HTTP_ADAPTER: adapter })));

  it('decides a request under the policy that comes with it, and tells so in the header fields', async () => {
    const first = await post(`${url}/demo/requests`, alice);
    expect([first.status, await first.json()]).toEqual([200, expect.objectContaining({ allowed: true, remaining: 1 })]);
    expect(first.headers.get('ratelimit-policy')).toBe('"demo";q=2;w=10');
    expect(first.headers.get('ratelimit')).toEqual(soonAfter('"demo";r=1;t=10'));
    expect(first.headers.get('retry-after')).toBeNull();
    expect(first.headers.get('x-decided-by')).toBe('memory');

    const dear = await post(`${url}/demo/requests`, { ...alice, cost: 2 });
    expect(dear.status).toBe(429);
    expect(dear.headers.get('ratelimit')).toEqual(soonAfter('"demo";r=1;t=10'));
    expect(dear.headers.get('retry-after')).toMatch(/^(9|10)$/);
    expect(dear.headers.get('cache-control')).toBe('no-store');
    expect(dear.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await dear.json()).toMatchObject({ status: 429, 'violated-policies': ['demo'] });
  });

  it('keeps what was used when the limit changes', async () => {
    for (let i = 0; i < 3; i++) await post(`${url}/demo/requests`, alice);
    const raised = { client: 'alice', policy: { ...policy, limit: 5 } };
    expect(await (await post(`${url}/demo/peek`, [raised])).json()).toEqual([
      expect.objectContaining({ limit: 5, remaining: 3 }),
    ]);
  });

  it('blocks whoever goes over, says in the body that it is a block, and ends it when told to', async () => {
    const strict = { client: 'alice', policy: { ...policy, blockFor: [20_000, 40_000] } };
    const send = () => post(`${url}/demo/requests`, strict);
    expect([(await send()).status, (await send()).status]).toEqual([200, 200]);
    const over = await send();
    expect([over.status, over.headers.get('retry-after'), await over.json()]).toEqual([
      429,
      '20',
      expect.objectContaining({
        type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
        'violated-policies': ['demo'],
      }),
    ]);
    const blockedFor = async () => {
      const [decision] = (await (await post(`${url}/demo/peek`, [strict])).json()) as { blockedFor?: number }[];
      return Math.ceil((decision!.blockedFor ?? 0) / 1_000);
    };
    expect(await blockedFor()).toBe(20);

    expect((await post(`${url}/demo/unblock`, [strict])).status).toBe(204);
    expect(await blockedFor()).toBe(0);
    expect((await send()).headers.get('retry-after')).toBe('20');
    expect((await post(`${url}/demo/reset`, [strict])).status).toBe(204);
    expect((await send()).status).toBe(200);
    expect((await post(`${url}/demo/block`, [strict])).status).toBe(204);
    expect([await blockedFor(), (await send()).status]).toEqual([20, 429]);
  });

  it('refuses to block under a policy that has no block, and says so', async () => {
    for (const action of ['block', 'unblock']) {
      const refused = await post(`${url}/demo/${action}`, [alice]);
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('RL_BLOCK_OFF')]);
    }
  });

  it('looks at several quotas without spending, and resets just those that are named', async () => {
    const bob = { client: 'bob', policy };
    for (const each of [alice, bob]) await post(`${url}/demo/requests`, each);
    const left = async () => {
      const decisions = (await (await post(`${url}/demo/peek`, [alice, bob])).json()) as { remaining: number }[];
      return decisions.map(({ remaining }) => remaining);
    };
    expect([await left(), await left()]).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect((await post(`${url}/demo/reset`, [bob])).status).toBe(204);
    expect(await left()).toEqual([1, 2]);
  });

  it('never lets a visitor spend what is another one’s', async () => {
    for (let i = 0; i < 3; i++) await post(`${url}/demo/requests`, alice, 'visitor-1');
    expect((await post(`${url}/demo/requests`, alice, 'visitor-2')).status).toBe(200);
  });

  it.each([
    ['an empty body', {}, 'client must be 1 to 32 letters'],
    ['no policy', { client: 'a' }, 'RL_LIMIT_INVALID'],
    ['a client of another shape', { ...alice, client: '../x' }, 'client must be'],
    ['an unknown algorithm', { client: 'a', policy: { ...policy, algorithm: 'leaky' } }, 'RL_ALGORITHM_UNKNOWN'],
    ['a limit of text', { client: 'a', policy: { ...policy, limit: '5' } }, 'RL_LIMIT_INVALID'],
    ['a limit too large', { client: 'a', policy: { ...policy, limit: 10_001 } }, 'limit must be a whole number from 1'],
    [
      'a long log',
      { client: 'a', policy: { ...policy, algorithm: 'sliding-log', limit: 1_001 } },
      'the limit of a sliding log must be a whole number from 1 to 1000, got 1001',
    ],
    ['a window too long', { client: 'a', policy: { ...policy, window: 300_001 } }, 'window in ms must be'],
    ['a window of nothing', { client: 'a', policy: { ...policy, window: 0 } }, 'RL_WINDOW_INVALID'],
    ['a burst where there is none', { client: 'a', policy: { ...policy, burst: 3 } }, 'RL_BURST_INVALID'],
    ['a block too long', { client: 'a', policy: { ...policy, blockFor: [1_000, '6m'] } }, 'a block in ms must be'],
    ['a block of text', { client: 'a', policy: { ...policy, blockFor: 'soon' } }, 'RL_BLOCK_INVALID'],
    [
      'blocks that are long remembered',
      { client: 'a', policy: { ...policy, blockFor: { spans: [1, 2], forgetAfter: '1d' } } },
      'forgetAfter in ms must be',
    ],
    ['a negative cost', { ...alice, cost: -1 }, 'cost must be a whole number from 0 to 10000, got -1'],
  ])('refuses %s with 400 and the reason', async (_, body, reason) => {
    const refused = await post(`${url}/demo/requests`, body);
    expect([refused.status, ((await refused.json()) as { message: string }).message]).toEqual([
      400,
      expect.stringContaining(reason),
    ]);
  });

  it.each([
    ['client', 'got an object'],
    ['cost', 'got an object'],
    ['policy', 'RL_'],
    ['blockFor', 'RL_BLOCK_INVALID'],
  ])('refuses a %s of lists in lists, however deep', async (field, reason) => {
    const deep = '['.repeat(5_000) + ']'.repeat(5_000);
    const refused = await fetch(`${url}/demo/requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-visitor': 'visitor-1' },
      body:
        field === 'blockFor'
          ? `{ "client": "alice", "policy": { "limit": 2, "window": 1000, "blockFor": ${deep} } }`
          : `{ "client": "alice", "policy": ${JSON.stringify(policy)}, "${field}": ${deep} }`,
    });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(reason)]);
  });

  it('refuses whoever does not say who he is, and lists that are none or too long', async () => {
    for (const visitor of ['', 'x', 'a:b:c:d:e', 'a'.repeat(65)]) {
      expect((await post(`${url}/demo/requests`, alice, visitor)).status).toBe(400);
    }
    for (const list of [alice, Array.from({ length: 9 }, () => alice)]) {
      expect((await post(`${url}/demo/peek`, list)).status).toBe(400);
      expect((await post(`${url}/demo/reset`, list)).status).toBe(400);
    }
  });

  it('serves the page and its files under a strict policy, and nothing else', async () => {
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'",
    );
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style="|\son\w+="/);
    const files = [...html.matchAll(/(?:src|href)="((?:page|look)\/[^"]+)"/g)].map(([, file]) => file!);
    expect(files).toEqual(expect.arrayContaining(['page/main.js', 'look/base.css', 'look/icon.svg']));
    for (const file of [...files, 'page/uPlot.js', 'page/algorithms.js']) {
      const answer = await fetch(`${url}/${file}`);
      expect([file, answer.status, answer.headers.get('x-content-type-options')]).toEqual([file, 200, 'nosniff']);
      expect(answer.headers.get('content-type')).toMatch(/^(text\/(css|javascript); charset=utf-8|image\/svg\+xml)$/);
    }
    for (const file of ['index.html', 'tsconfig.json', '..%2fpackage.json', '%2e%2e%2fsrc%2fmain.ts', '__proto__']) {
      expect((await fetch(`${url}/page/${file}`)).status).toBe(404);
    }
  });

  const watched = async () => (await (await fetch(`${url}/demo/watch`)).json()) as Record<string, unknown>;

  it('counts decisions by policy, says who is denied most, and never shows the id of a visitor', async () => {
    const visitor = 'v'.repeat(32);
    for (let i = 0; i < 3; i++) await post(`${url}/demo/requests`, alice, visitor);
    const headers = { 'x-api-key': 'alice' };
    for (let i = 0; i < 12; i++) await fetch(`${url}/api/search`, { headers });
    const { policies, deniedMost } = await watched();
    expect(policies).toEqual([
      { policy: 'demo', allowed: 2, denied: 1, wouldDeny: 0, nearLimit: 0 },
      { policy: 'search', allowed: 12, denied: 0, wouldDeny: 0, nearLimit: 0 },
      { policy: 'search-tighter', allowed: 10, denied: 0, wouldDeny: 2, nearLimit: 1 },
    ]);
    expect(deniedMost).toEqual([
      { policy: 'search-tighter', key: expect.stringMatching(/^key:.{6}…$/), denials: 2 },
      { policy: 'demo', key: 'visitor:vvvvvv…:alice', denials: 1 },
    ]);
  });

  it('turns the limit that is tried out into one that denies, and back', async () => {
    const headers = { 'x-api-key': 'bob' };
    const passed = async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => fetch(`${url}/api/search`, { headers })));
      return answers.filter(({ status }) => status === 200).length;
    };
    expect((await post(`${url}/demo/watch/mode`, { mode: 'enforce' })).status).toBe(204);
    expect([await passed(), (await watched()).tighter]).toEqual([10, { mode: 'enforce' }]);
    expect((await post(`${url}/demo/watch/mode`, { mode: 'shadow' })).status).toBe(204);
    expect([await passed(), (await watched()).tighter]).toEqual([10, { mode: 'shadow' }]);
    expect((await post(`${url}/demo/watch/mode`, { mode: 'record' })).status).toBe(400);
  });

  it('lists who is blocked from logging in, and lets them back in', async () => {
    const logIn = async (password: string) => (await post(`${url}/api/login`, { name: 'alice', password })).status;
    for (let i = 0; i < 6; i++) await logIn('guess');
    const { blocked } = (await watched()) as { blocked: { key: string; blockedFor: number }[] };
    expect(blocked).toEqual([{ key: 'ip:127.0.0.1', blockedFor: expect.any(Number) }]);
    const { key } = blocked[0]!;
    expect((await post(`${url}/demo/watch/unblock`, { key })).status).toBe(204);
    expect((await watched()).blocked).toEqual([]);
    // The quota stays spent, so the next try is denied and blocks again.
    expect(await logIn('wonderland')).toBe(429);
    expect((await post(`${url}/demo/watch/reset`, { key })).status).toBe(204);
    expect(await logIn('wonderland')).toBe(200);
    for (const wrong of [{}, { key: 7 }, { key: 'x'.repeat(300) }, { key: 'nobody' }]) {
      expect((await post(`${url}/demo/watch/unblock`, wrong)).status).toBe(400);
    }
  });

  it('tells the page what the library says of its algorithms', async () => {
    const module = await (await fetch(`${url}/page/algorithms.js`)).text();
    const facts = JSON.parse(/^export const ALGORITHMS = (.*);\n$/s.exec(module)![1]!) as Record<string, unknown>[];
    expect(facts.map(({ name }) => name)).toEqual(algorithmNames);
    expect(facts.filter(({ defaultBurst }) => defaultBurst !== undefined)).toMatchObject([
      { name: 'token-bucket', defaultBurst: 'limit', about: 'Holds a burst and refills evenly.' },
      { name: 'gcra', title: 'GCRA', defaultBurst: 1 },
    ]);
    expect(facts.filter(({ refillsAtOnce }) => refillsAtOnce)).toMatchObject([{ title: 'fixed window' }]);
  });

  it('says which store is in use', async () => {
    expect(await (await fetch(`${url}/demo/store`)).json()).toEqual({
      instance: expect.stringMatching(new RegExp(`-${process.pid}$`)),
      store: 'memory',
      isAway: false,
      news: [],
      decidedBy: 'memory',
      took: expect.any(Number),
    });
  });

  it('is not there with DEMO=off: the list of endpoints is the front page then', async () => {
    const off = await start({ HTTP_ADAPTER: adapter, DEMO: 'off' });
    const front = await fetch(off);
    expect([front.url, front.status]).toEqual([`${off}/endpoints`, 200]);
    expect((await post(`${off}/demo/requests`, alice)).status).toBe(404);
    for (const path of ['demo/store', 'demo/schedule', 'demo/holds', 'page/main.js'])
      expect((await fetch(`${off}/${path}`)).status).toBe(404);
    expect((await fetch(`${off}/api/ping`)).status).toBe(200);
  });
});

it('refuses a DEMO that is neither on nor off', () => {
  expect(() => configFrom({ DEMO: 'no' })).toThrow('DEMO must be on or off, got "no"');
});

it('shares what is used between instances on Redis, and never shows a password', async () => {
  const REDIS_URL = sharedRedis().url;
  const RATE_LIMIT_PREFIX = `demo-${process.pid}-${Date.now()}`;
  const urls = [await start({ REDIS_URL, RATE_LIMIT_PREFIX }), await start({ REDIS_URL, RATE_LIMIT_PREFIX })];
  const answers = await Promise.all([0, 1, 0, 1].map((i) => post(`${urls[i]!}/demo/requests`, alice)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
  expect(answers[0]!.headers.get('x-decided-by')).toBe('redis');

  const secret = await startRedis({ args: ['--requirepass', 'hush'] });
  expect(secret.url).toContain(':hush@');
  try {
    const url = await start({ REDIS_URL: secret.url });
    const text = await (await fetch(`${url}/demo/store`)).text();
    expect(text).toContain(`"place":"${new URL(secret.url).host}"`);
    expect(text).not.toContain('hush');
  } finally {
    for (const app of apps.splice(0)) await app.close();
    await secret.stop();
  }
});
