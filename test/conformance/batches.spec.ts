import { setImmediate as turn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { definePolicy, type Policy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const plain = definePolicy({ name: 'plain', limit: 1_000_000, window: '1d' });
const log = definePolicy({ name: 'log', algorithm: 'sliding-log', limit: 1_000_000, window: '1d' });
const blocking = definePolicy({ name: 'blocking', limit: 1_000_000, window: '1d', blockFor: '1m' });
const blockingLog = definePolicy({
  ...{ name: 'both', algorithm: 'sliding-log' },
  limit: 9,
  window: '1d',
  blockFor: 5,
});

let server: Server;
let proxy: Proxy;
let observer: Redis;
let store: RedisStore;
beforeAll(async () => {
  server = await startRedis();
  proxy = await startProxy(server);
  observer = connectTo(server.url);
  store = new RedisStore(connectTo(proxy.url), { timeout: 10_000 });
  await ask(plain);
});
afterAll(async () => {
  closeClients();
  await proxy?.stop();
  await server?.stop();
});

/** How often the script ran. */
const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await observer.info('commandstats'))?.[1]);

let keys = 0;
const ask = (...policies: readonly Policy[]) =>
  store.consume(policies.map((policy) => ({ policy, key: `w${keys++}`, cost: 1 })));
const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);

/** How many commands it takes to judge these requests, which wait together. */
async function commandsOf(
  requests: () => Promise<unknown>[] | Promise<{ asked: Promise<unknown>[] }>,
): Promise<number> {
  const before = await scripts();
  proxy.blackHole();
  const onTheirWay = [ask(plain)];
  await turn();
  onTheirWay.push(ask(plain));
  for (let i = 0; i < 3; i++) await turn();
  const waiting = requests();
  const asked = Array.isArray(waiting) ? waiting : (await waiting).asked;
  proxy.restore();
  await Promise.all([...onTheirWay, ...asked]);
  return (await scripts()) - before - onTheirWay.length;
}

describe('what waits while two commands are on their way', () => {
  it.each<[string, number, () => Promise<unknown>[]]>([
    ['57 requests', 1, () => times(57, () => ask(plain))],
    ['64 requests', 1, () => times(64, () => ask(plain))],
    ['65 requests', 2, () => times(65, () => ask(plain))],
    ['128 requests', 2, () => times(128, () => ask(plain))],
    ['one request of 65 hits', 1, () => [ask(...times(65, () => plain))]],
    ['a request of one hit and one of 63', 1, () => [ask(plain), ask(...times(63, () => plain))]],
    ['a request of one hit and one of 64', 2, () => [ask(plain), ask(...times(64, () => plain))]],
    ['16 requests of logs, each as heavy as 4', 1, () => times(16, () => ask(log))],
    ['17 requests of logs', 2, () => times(17, () => ask(log))],
    ['15 requests of logs and 4 others', 1, () => [...times(15, () => ask(log)), ...times(4, () => ask(plain))]],
    ['15 requests of logs and 5 others', 2, () => [...times(15, () => ask(log)), ...times(5, () => ask(plain))]],
    ['32 requests that may block, each as heavy as 2', 1, () => times(32, () => ask(blocking))],
    ['33 requests that may block', 2, () => times(33, () => ask(blocking))],
    ['12 of logs that may block, each as heavy as 5', 1, () => times(12, () => ask(blockingLog))],
    ['13 of logs that may block', 2, () => times(13, () => ask(blockingLog))],
  ])('%s: %d command(s)', async (_, commands, requests) => {
    expect(await commandsOf(requests)).toBe(commands);
  });

  it('waits also when it comes by and by', async () => {
    const requests = async () => {
      const asked = [];
      for (let i = 0; i < 5; i++) {
        asked.push(ask(plain));
        for (let turns = 0; turns < 3; turns++) await turn();
      }
      return { asked };
    };
    expect(await commandsOf(requests)).toBe(1);
  });
});
