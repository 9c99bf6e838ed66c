import type { INestApplication } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { startPrometheus, type Prometheus } from '../support/prometheus.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { here, itWithPrometheus } from '../support/with-prometheus.js';
import { panelQueries, RULES } from './queries.js';

let server: Server | undefined;
let app: INestApplication | undefined;
let prometheus: Prometheus | undefined;
let traffic: Promise<void> | undefined;
let isOver = false;

/** Some of everything that the dashboard shows. */
async function use(url: string): Promise<void> {
  const post = (path: string, body: object, headers = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  for (let i = 0; !isOver; i++, await sleep(20)) {
    const headers = { 'x-api-key': `caller-${Math.floor(i / 30)}` };
    const answers = await Promise.all([
      fetch(`${url}/api/search`, { headers }),
      fetch(`${url}/api/feed`, { headers: { 'x-api-key': 'partner-key' } }),
      fetch(`${url}/api/upload`, { method: 'POST', headers: { 'x-tenant-id': `t${i}` }, body: 'a' }),
      post('/api/login', { name: 'alice', password: i % 2 === 0 ? 'wonderland' : 'guess' }),
    ]);
    await Promise.all(answers.map((answer) => answer.text()));
  }
}

beforeAll(async () => {
  if (!here) return;
  server = await startRedis();
  app = await createApp(configFrom({ REDIS_URL: server.url }));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  traffic = use(url);
  prometheus = await startPrometheus(here, new URL(url).host, RULES);
}, 60_000);

afterAll(async () => {
  isOver = true;
  await prometheus?.stop();
  await traffic;
  await app?.close();
  await server?.stop();
});

itWithPrometheus(
  'a real Prometheus scrapes the sample, and answers every query of the dashboard',
  async () => {
    let isAway = false;
    const unanswered = new Map(panelQueries().map(({ from, query }) => [query, from]));
    for (const deadline = Date.now() + 20_000; unanswered.size > 0 && Date.now() < deadline; await sleep(100)) {
      for (const query of unanswered.keys()) {
        const series = await prometheus!.query(query);
        if (series.some(({ value }) => Number.isFinite(value))) unanswered.delete(query);
      }
      // What is left is about an outage.
      if (unanswered.size === 1 && !isAway) await server!.kill();
      isAway ||= unanswered.size === 1;
    }
    expect({ unanswered: [...unanswered], isAway }).toEqual({ unanswered: [], isAway: true });
    const shadow = 'rate_limit_requests_total{policy="search-tighter",decision="shadow_denied"} > 0';
    expect(await prometheus!.query(shadow)).not.toEqual([]);
  },
  60_000,
);
