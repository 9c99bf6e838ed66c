import { setTimeout as sleep } from 'node:timers/promises';
import { closeClients, connectTo } from '../../support/clients.js';
import { sleepAwake } from '../../support/awake.mjs';
import { startProxy, type Proxy } from '../../support/proxy.js';
import { startRedis, type Server } from '../../support/redis/servers.js';
import { BACK_WITHIN, expectBack, expectMortal, expectSound, note } from '../faults.js';
import { Instances, sumOf } from '../instances.js';

/** SOAK_MINUTES makes it longer. */
const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const MINUTE = 60_000;
const MB = 1 << 20;
const INSTANCES = 2;

/** What an instance may hold at the end beyond what it held when it was warm. */
const MORE_HEAP = 24 * MB;
const LOOPS = 8;
const MORE_HANDLES = 4;
/** A loop that rests has a timer, and one that waits for Redis has none. */
const MORE_TIMERS = LOOPS + 4;

let server: Server;
let proxy: Proxy;
let instances: Instances | undefined;
afterEach(async () => {
  instances?.kill();
  closeClients();
  await proxy?.stop();
  await server?.stop();
});

/** How long each lasts is random, too. */
const faults: Record<string, [cause: () => unknown, undo: () => unknown]> = {
  frozen: [() => server.freeze(), () => server.thaw()],
  'killed and restarted empty': [() => server.kill(), () => server.restart()],
  refused: [() => proxy.refuse(), () => proxy.accept()],
  reset: [() => proxy.reset(), () => {}],
  cut: [() => proxy.cut(), () => {}],
  silent: [() => proxy.silence(), () => {}],
  'a black hole': [() => proxy.blackHole(), () => proxy.restore()],
  slow: [() => proxy.delay(Math.random() * 400), () => proxy.delay(0)],
  'without its scripts': [() => connectTo(server.url).script('FLUSH'), closeClients],
  'out of memory': [
    () => connectTo(server.url).config('SET', 'maxmemory', '1'),
    async () => {
      await connectTo(server.url).config('SET', 'maxmemory', '0');
      closeClients();
    },
  ],
};

it(
  `for ${MINUTES} minutes of random faults nothing escapes, and nothing grows`,
  async () => {
    server = await startRedis();
    proxy = await startProxy(server);
    // Many new keys all the time, a hot one, and every kind of answer to a store that is away.
    instances = await Instances.start(INSTANCES, {
      options: { redis: proxy.url },
      claims: [
        { policy: { name: 'hot', limit: 500, window: '1s' }, key: 'all' },
        { policy: { name: 'each', algorithm: 'token-bucket', limit: 5, window: '1m' }, key: 'user:', keys: 1_000_000 },
        { policy: { name: 'log', algorithm: 'sliding-log', limit: 50, window: '10s' }, key: 'tenant:', keys: 20 },
        { policy: { name: 'paced', algorithm: 'gcra', limit: 600, window: '1m', burst: 50 }, key: 'team:', keys: 50 },
      ],
      loops: LOOPS,
      tally: false,
    });
    instances.begin('before');

    const until = performance.now() + MINUTES * MINUTE;
    const warm = performance.now() + Math.min(2, MINUTES / 4) * MINUTE;
    let baseline: Awaited<ReturnType<Instances['memory']>> | undefined;
    const met = new Map<string, number>();
    while (performance.now() < until) {
      const [name, [cause, undo]] = Object.entries(faults)[Math.floor(Math.random() * Object.keys(faults).length)]!;
      met.set(name, (met.get(name) ?? 0) + 1);
      await cause();
      await sleep(Math.random() * 3_000);
      await undo();
      await sleep(Math.random() * 2_000);
      if (performance.now() > warm) baseline ??= await instances.memory();
    }
    await sleepAwake(BACK_WITHIN);
    instances.phase('after');
    await sleep(2_000);
    const told = await instances.end();

    expectSound(told, { faults: [...met.values()].reduce((a, b) => a + b, 0) });
    expectBack(told);
    const heaps = told.map(({ heap }, i) => heap - baseline![i]!.heap);
    const handles = told.map((each, i) => each.handles - baseline![i]!.handles);
    const timers = told.map((each, i) => each.timers - baseline![i]!.timers);
    note(`${MINUTES} minutes of random faults`, told, {
      faults: [...met.values()].reduce((a, b) => a + b, 0),
      heapGrowth: Math.max(...heaps),
      handleGrowth: Math.max(...handles),
    });
    expect(Math.max(...heaps)).toBeLessThan(MORE_HEAP);
    expect(Math.max(...handles)).toBeLessThanOrEqual(MORE_HANDLES);
    expect(Math.max(...timers)).toBeLessThanOrEqual(MORE_TIMERS);
    expect(sumOf(told).refused).toBe(0);
    await expectMortal(connectTo(server.url));
  },
  (MINUTES + 2) * MINUTE,
);
