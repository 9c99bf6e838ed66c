import { closeClients, connectTo } from '../clients.js';
import { startWithFakeTime } from './faketime.js';
import { serverKinds, startRedis } from './servers.js';

/** Microseconds for each key. */
const SLOW_TO_LOAD = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];

const opened: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  closeClients();
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

describe.each(serverKinds())('$label', (kind) => {
  it('answers LOADING after a restart, as long as it has much to load', async () => {
    const server = await startRedis({ kind, args: SLOW_TO_LOAD });
    opened.push(server);
    const client = connectTo(server.url, { enableReadyCheck: false });
    await client.eval("for i = 1, 1000 do redis.call('SET', 'key:' .. i, i) end", 0);
    await client.save();
    await server.restart({ whileLoading: true });
    await expect(connectTo(server.url, { enableReadyCheck: false }).get('key:1')).rejects.toThrow('LOADING');
    await server.restart();
    await expect(connectTo(server.url).get('key:1')).resolves.toBe('1');
  });
});

const faked = await startWithFakeTime();
afterAll(() => faked?.server.stop());

describe('a server with a clock of its own', () => {
  (faked ? it : it.skip)('tells the time it is set to at once, and goes on', async () => {
    const client = connectTo(faked!.server.url);
    for (const seconds of [0, 600, -600, 0.5]) {
      await faked!.shift(seconds);
      const [now] = await client.time();
      expect(Math.abs(Number(now) - Date.now() / 1_000 - seconds)).toBeLessThan(2);
    }
  });
});
