import { setTimeout as sleep } from 'node:timers/promises';
import { closeClients, connectTo } from '../support/clients.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type Server } from '../support/redis/servers.js';
import { expectBack, expectMortal, expectSound, note, underLoad, usedOf, type Fault } from './faults.js';
import { Instances, sumOf, type Load } from './instances.js';
import { tryOnceMore } from './busy-machine.js';

tryOnceMore();

const INSTANCES = 3;
const LOOPS = 16;
const MINUTE = 60_000;
const policy = { name: 'daily', limit: 1_000_000, window: '1d' } as const;

let server: Server;
let proxy: Proxy;
beforeEach(async () => {
  server = await startRedis();
  proxy = await startProxy(server);
});
afterEach(async () => {
  closeClients();
  await proxy?.stop();
  await server?.stop();
});

const load = (more: Partial<Load> = {}): Load => ({
  options: { redis: proxy.url },
  claims: [{ policy, key: 'k' }],
  loops: LOOPS,
  ...more,
});

interface Case {
  name: string;
  fault(): Fault;
  /** How often connections die: then what is under way may be charged, though nobody is told so. */
  losses: number;
  load?: Partial<Load>;
}

const cases: Case[] = [
  {
    name: 'Redis is frozen, and the clocks of the instances are ten minutes apart',
    fault: () => ({ cause: () => server.freeze(), span: 1_500, undo: () => server.thaw() }),
    losses: 1,
    load: { clocks: [0, -10 * MINUTE, 10 * MINUTE] },
  },
  {
    name: 'Redis is frozen until connections are closed',
    fault: () => ({ cause: () => server.freeze(), span: 5_000, undo: () => server.thaw() }),
    losses: 1,
  },
  {
    name: 'connections are refused',
    fault: () => ({ cause: () => proxy.refuse(), span: 2_000, undo: () => proxy.accept() }),
    losses: 1,
  },
  {
    name: 'connections are reset, ten times a second',
    fault: () => ({
      cause: async () => {
        for (let i = 0; i < 20; i++) {
          proxy.reset();
          await sleep(100);
        }
      },
      span: 0,
      undo: () => {},
    }),
    losses: 20,
  },
  {
    name: 'the network is a black hole',
    fault: () => ({ cause: () => proxy.blackHole(), span: 3_000, undo: () => proxy.restore() }),
    losses: 1,
  },
  // Late answers come all the time, and are none.
  ...[300, 150].map((delay) => ({
    name: `the network takes longer than the deadline, ${delay} ms there and as long back`,
    fault: () => ({ cause: () => proxy.delay(delay), span: 2_000, undo: () => proxy.delay(0) }),
    losses: 3,
  })),
];

describe.each(cases)('$name', ({ name, fault, losses, load: more }) => {
  it('every request is answered in time, what Redis admits is charged once, and Redis is back within two seconds', async () => {
    const told = await underLoad(INSTANCES, load(more), fault());
    expectSound(told);
    expectBack(told);
    const { admitted, locally } = sumOf(told);
    expect(sumOf(told, 'before').admitted).toBeGreaterThan(0);
    expect(sumOf(told, 'fault').locally).toBeGreaterThan(0);
    // Until the breaker opens a request of each loop waits, and then one of each instance now and then.
    expect(sumOf(told).waited).toBeLessThan(INSTANCES * (LOOPS + 30));
    // At most what was under way when a connection died is charged to nobody: a request of each loop.
    const used = await usedOf(connectTo(server.url), policy, 'k');
    note(name, told, { used, admitted });
    expect(used).toBeGreaterThanOrEqual(admitted);
    expect(used).toBeLessThanOrEqual(admitted + Math.min(locally, losses * INSTANCES * LOOPS));
    await expectMortal(connectTo(server.url));
  });
});

it('a network that takes 100 ms there and back is no fault: Redis decides everything', async () => {
  const fault = { cause: () => proxy.delay(50), span: 1_500, undo: () => proxy.delay(0) };
  const told = await underLoad(INSTANCES, load(), fault);
  expectSound(told);
  note('the network takes 100 ms there and back', told);
  expect(sumOf(told).locally).toBe(0);
});

it('Redis is killed and restarted with an empty memory: a full quota, and nothing else', async () => {
  const quota = { ...policy, limit: 300 };
  const fault = { cause: () => server.kill(), span: 1_500, undo: () => server.restart() };
  const told = await underLoad(INSTANCES, load({ claims: [{ policy: quota, key: 'k' }] }), fault);
  expectSound(told);
  note('Redis is killed and restarted empty', told);
  // Once before and once after. Meanwhile nobody has any left: that was the last each of them heard.
  expect(sumOf(told).admitted).toBe(600);
  expect(sumOf(told, 'fault').locally).toBe(0);
  expect(await usedOf(connectTo(server.url), quota, 'k')).toBe(300);
});

it('instances that share a quota admit no more of it than there was, but for what one had not heard of', async () => {
  const quota = { ...policy, limit: 900 };
  const options = { redis: proxy.url, instances: INSTANCES };
  const instances = await Instances.start(INSTANCES, load({ options, claims: [{ policy: quota, key: 'k' }] }));
  try {
    instances.begin('before');
    await sleep(200);
    await server.freeze();
    await sleep(2_000);
    const told = await instances.end();
    expectSound(told);
    note('instances share a quota while Redis is frozen', told);
    const { admitted, locally } = sumOf(told);
    expect(admitted).toBeGreaterThan(0);
    expect(locally).toBeGreaterThan(0);
    // Each goes on from its third of what it last heard to be left; others may have had one more per loop by then.
    expect(admitted + locally).toBeLessThanOrEqual(quota.limit + INSTANCES * LOOPS);
  } finally {
    instances.kill();
    await server.thaw();
  }
});
