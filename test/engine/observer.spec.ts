import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLimiter, type Limiter, type LimiterOptions } from 'nestjs-redis-rate-limit/engine';
import { EVENTS } from '../../libs/rate-limit/src/core/observer.js';
import { sharedRedis } from '../support/redis/servers.js';

const policies = {
  quota: { limit: 10, window: '1h', warnAt: 0.8 },
  bucket: { limit: 10, window: '1h', algorithm: 'token-bucket', burst: 5, warnAt: 0.5 },
  blocking: { limit: 1, window: '1h', blockFor: ['1m', '1h'], lease: '30s' },
  slots: { algorithm: 'concurrency', limit: 2, lease: '1s' },
} as const satisfies LimiterOptions['policies'];

const logged: string[] = [];
const log = (message: string) => void logged.push(message);
const logger = { log: () => undefined, warn: log, error: log };

const opened: Limiter[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((limiter) => limiter.close()));
  logged.length = 0;
});

async function open(options: Partial<LimiterOptions>): Promise<Limiter> {
  const limiter = await createLimiter({ policies, logger, ...options });
  opened.push(limiter);
  return limiter;
}

/** A limiter, and what it reports beside decisions, by the name of the event. */
async function observed(options: Partial<LimiterOptions>) {
  const events: unknown[] = [];
  const names = EVENTS.filter((name) => name !== 'decided' && name !== 'batchAnswered');
  const observer = Object.fromEntries(names.map((name) => [name, (event: unknown) => void events.push([name, event])]));
  return { limiter: await open({ observer, ...options }), events };
}

describe.each([
  { kind: 'memory', where: () => ({}) },
  { kind: 'Redis', where: () => ({ redis: sharedRedis().url, prefix: randomUUID(), liveLimits: '100ms' as const }) },
])('an observer of a limiter in $kind', ({ where }) => {
  it('receives one nearLimit for a caller that crosses warnAt, whatever the cost, and another after a bucket refilled', async () => {
    const { limiter, events } = await observed(where());
    for (const cost of [7, 1, 1, 1, 1]) await limiter.consume('quota', 'a', { cost });
    await limiter.consume('quota', 'b', { cost: 10 });
    const near = (policy: string, key: string, most: number, remaining: number) => [
      'nearLimit',
      { policy, key, most, remaining, shadow: false },
    ];
    expect(events.splice(0)).toEqual([near('quota', 'a', 10, 2), near('quota', 'b', 10, 0)]);
    for (const cost of [2, 1, -3, 3]) await limiter.consume('bucket', 'a', { cost });
    expect(events.splice(0)).toEqual([near('bucket', 'a', 5, 2), near('bucket', 'a', 5, 2)]);
    // What is denied, or beside a denial, uses nothing.
    await limiter.consume([
      { policy: 'quota', key: 'c', cost: 9 },
      { policy: 'quota', key: 'b' },
    ]);
    expect(events).toEqual([]);
  });

  it('receives blocks that a denial, a settlement or code begins, and blocks that code ends', async () => {
    const { limiter, events } = await observed(where());
    const begun = (key: string, span: number, by = 'denial') => [
      'blocked',
      { policy: 'blocking', key, span, by, shadow: false },
    ];
    for (let i = 0; i < 4; i++) await limiter.consume('blocking', 'a');
    expect(events.splice(0)).toEqual([begun('a', 60_000)]);
    await limiter.unblock('blocking', 'a');
    await limiter.block('blocking', 'a', '5s');
    expect(events.splice(0)).toEqual([['unblocked', { policy: 'blocking', key: 'a' }], begun('a', 5_000, 'code')]);
    const hold = await limiter.reserve('blocking', 'b');
    await hold.settle(1);
    const ended = ['holdSettled', { policy: 'blocking', key: 'b', held: 1, cost: 1 }];
    expect(events).toEqual([begun('b', 60_000), ended]);
  });

  it('receives the end of each hold', async () => {
    const { limiter, events } = await observed(where());
    const hold = await limiter.reserve('quota', 'a', { cost: 3 });
    await hold.settle(5);
    await hold.settle(5);
    const lost = await limiter.reserve('slots', 'a');
    const [open] = await limiter.holds('slots', 'a');
    await limiter.release('slots', 'a', open!.id);
    await new Promise<void>((resolve) => lost.signal.addEventListener('abort', () => resolve()));
    expect(events).toEqual([
      ['holdSettled', { policy: 'quota', key: 'a', held: 3, cost: 5 }],
      ['holdExpired', { policy: 'slots', key: 'a', held: 1, cost: undefined }],
    ]);
  });

  it('receives limits that change, and not those that were set before', async () => {
    const at = where();
    await (await open(at)).limits.set('quota', { limit: 20 });
    const { limiter, events } = await observed(at);
    const shared = 'redis' in at;
    const was = { limit: shared ? 20 : 10, burst: shared ? 20 : 10, mode: 'enforce' };
    await limiter.limits.set('quota', { mode: 'shadow' });
    const now = { ...was, mode: 'shadow' };
    expect(events.splice(0)).toEqual([['limitChanged', { policy: 'quota', key: undefined, ...now, before: was }]]);
    await limiter.limits.override('quota', 'a', { limit: 1 });
    const own = { limit: 1, burst: 1, mode: 'shadow' };
    expect(events.splice(0)).toEqual([['limitChanged', { policy: 'quota', key: 'a', ...own, before: now }]]);
    await limiter.limits.clear('quota', 'a');
    await limiter.limits.clear('quota');
    const defined = { limit: 10, burst: 10, mode: 'enforce' };
    expect(events).toEqual([
      ['limitChanged', { policy: 'quota', key: 'a', ...now, before: own }],
      ['limitChanged', { policy: 'quota', key: undefined, ...defined, before: now }],
    ]);
  });
});

it('an observer receives each batch, and pauses while a server fails', async () => {
  const sizes: number[] = [];
  const limiter = await open({
    redis: sharedRedis().url,
    prefix: randomUUID(),
    observer: {
      batchAnswered: ({ size, server, duration }) =>
        void (/^Redis at /.test(server) && duration > 0 && sizes.push(size)),
    },
  });
  sizes.length = 0;
  await Promise.all(Array.from({ length: 10 }, (_, i) => limiter.consume('quota', `user:${i}`)));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10);

  const { limiter: away, events } = await observed({ redis: { host: '127.0.0.1', port: 1 }, timeout: 50 });
  for (let i = 0; i < 8; i++) expect((await away.consume('quota', 'a')).by).toBe('local');
  const server = expect.stringContaining('127.0.0.1');
  expect(events).toEqual([
    ['storeFailed', expect.anything()],
    ['breakerChanged', { server, isOpen: true }],
    ['nearLimit', expect.anything()],
  ]);
});

it('an observer that hangs or is slow harms no decision, and is warned about once', async () => {
  const limiter = await open({
    redis: sharedRedis().url,
    prefix: randomUUID(),
    timeout: 250,
    observer: {
      decided() {
        const until = performance.now() + 60;
        while (performance.now() < until);
        return new Promise(() => undefined) as never;
      },
    },
  });
  const decisions = await Promise.all(Array.from({ length: 12 }, () => limiter.consume('quota', 'a')));
  await sleep(0);
  expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(10);
  expect(decisions.every(({ by }) => by === 'store')).toBe(true);
  expect(logged).toEqual([
    expect.stringMatching(/^decided\(\) of the observer took \d+ ms\. Nothing else runs meanwhile/),
  ]);
});
