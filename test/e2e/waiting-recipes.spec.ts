import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createLimiter, type Limiter } from 'nestjs-redis-rate-limit/engine';
import { pacedFetch } from '../../docs/examples/paced-fetch.js';
import { pacedProcessor } from '../../docs/examples/paced-processor.js';
import { sharedRedis } from '../support/redis/servers.js';

const limiters: Limiter[] = [];
let server: Server | undefined;
afterEach(async () => {
  for (const limiter of limiters.splice(0)) await limiter.close();
  server?.close();
  server?.closeAllConnections();
  server = undefined;
});

async function limiterWith(prefix: string): Promise<Limiter> {
  const limiter = await createLimiter({
    redis: sharedRedis().url,
    prefix,
    policies: {
      service: { algorithm: 'gcra', limit: 50, window: '1s', blockFor: 0 },
      mail: { algorithm: 'token-bucket', limit: 2, window: '1s' },
      daily: { limit: 1, window: '1d' },
    },
  });
  limiters.push(limiter);
  return limiter;
}

let prefixes = 0;
const newPrefix = () => `recipes-${process.pid}-${++prefixes}`;

/** A service that answers as `statusOf` says, and notes when it was called. */
async function service(statusOf: (call: number) => number) {
  const calls: number[] = [];
  server = createServer((_, response) => {
    calls.push(performance.now());
    response.writeHead(statusOf(calls.length), { 'retry-after': '1' }).end('text');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describe('a client that waits for its turn', () => {
  it('paces the calls of two processes together', async () => {
    const { calls, url } = await service(() => 200);
    const prefix = newPrefix();
    const clients = await Promise.all(
      [0, 1].map(async () => pacedFetch(await limiterWith(prefix), 'service', 'token:7')),
    );
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => clients[i % 2]!(url)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // The first call may have come late, by what its connection took.
    expect(calls.at(-1)! - calls[0]!).toBeGreaterThan(19 * 20 - 60);
  });

  it('pauses every process when the service says 429, as long as it asks for', async () => {
    const { calls, url } = await service((call) => (call === 1 ? 429 : 200));
    const prefix = newPrefix();
    const [one, other] = [await limiterWith(prefix), await limiterWith(prefix)];
    expect((await pacedFetch(one, 'service', 'token:7', { tries: 1 })(url)).status).toBe(429);
    const both = [one, other].map((limiter) => pacedFetch(limiter, 'service', 'token:7')(url));
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
    expect(calls[1]! - calls[0]!).toBeGreaterThan(980);
  });

  it('stops waiting when the call is aborted', async () => {
    const { url } = await service(() => 200);
    const limiter = await limiterWith(newPrefix());
    await limiter.block('service', 'token:7', '10s');
    const call = pacedFetch(limiter, 'service', 'token:7')(url, { signal: AbortSignal.timeout(20) });
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

/** BullMQ is no dependency. This has the shape of what its documentation says a processor may do with a job. */
class Job {
  delayedUntil: number | undefined;
  constructor(readonly data: { tenant: string }) {}
  async moveToDelayed(timestamp: number, token?: string): Promise<void> {
    expect(token).toBe('token');
    this.delayedUntil = timestamp;
  }
}

class DelayedError extends Error {}

describe('a processor of jobs', () => {
  const done: string[] = [];
  const work = async ({ data }: Job) => done.push(data.tenant);
  const key = ({ data }: Job) => `tenant:${data.tenant}`;

  it('waits in the worker if the wait is short, and delays the job if it is long', async () => {
    const limiter = await limiterWith(newPrefix());
    const process = pacedProcessor(limiter, { policy: 'mail', key, DelayedError }, work);
    const began = performance.now();
    await Promise.all([1, 2, 3].map(() => process(new Job({ tenant: 'a' }), 'token')));
    expect(performance.now() - began).toBeGreaterThan(490);
    expect(done).toEqual(['a', 'a', 'a']);

    const daily = pacedProcessor(limiter, { policy: 'daily', key, DelayedError }, work);
    await daily(new Job({ tenant: 'b' }), 'token');
    const late = new Job({ tenant: 'b' });
    await expect(daily(late, 'token')).rejects.toBeInstanceOf(DelayedError);
    expect(late.delayedUntil! - Date.now()).toBeGreaterThan(86_000_000);
    expect(done).toEqual(['a', 'a', 'a', 'b']);
  });
});
