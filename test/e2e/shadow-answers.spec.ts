import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Controller, ForbiddenException, Get, Query, Sse, StreamableFile, type ExecutionContext } from '@nestjs/common';
import { from } from 'rxjs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { RateLimit, RateLimitGuard, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps, type Adapter, type App } from '../support/app.js';
import { sharedRedis } from '../support/redis/servers.js';

const shadow = {
  limit: 1,
  window: '1h',
  mode: 'shadow',
  blockFor: '2h',
  onStoreFailure: 'closed',
  warnAt: 0.5,
} as const;

/** Policies in shadow, one of each kind. All of them would deny the second request. */
const trials = {
  plain: { name: 'trial', ...shadow },
  late: { name: 'late', ...shadow, phase: 'late' },
  each: { name: 'each', ...shadow, per: 'handler' },
  looked: { name: 'looked', ...shadow, resolve: () => ({ limit: 1, cost: 2 }) },
  counted: { name: 'counted', ...shadow, limit: () => 1 },
  skipped: { name: 'skipped', ...shadow, skip: (context: ExecutionContext) => context.getType() !== 'http' },
  failures: { name: 'failures', ...shadow, count: 'failures' },
  settled: { name: 'settled', limit: 1, window: '1h', mode: 'shadow', cost: 1, settle: () => 5 },
  daily: { name: 'daily', limit: 1, window: 'day Europe/Berlin', mode: 'shadow' },
  slot: { name: 'slot', algorithm: 'concurrency', limit: 0, mode: 'shadow' },
} as const;

/** The same application with its policies in shadow, and without them. */
function controllerWith(isWatched: boolean) {
  const Trial = (...kinds: (keyof typeof trials)[]) =>
    isWatched ? RateLimit(...(kinds.map((kind) => trials[kind]) as Parameters<typeof RateLimit>)) : () => undefined;
  const every = Object.keys(trials) as (keyof typeof trials)[];

  @Controller()
  class ThingsController {
    @Get('alone')
    @Trial(...every)
    alone() {
      return { ok: true };
    }

    @Get('stacked')
    @Trial('late', 'plain')
    @RateLimit('enforced')
    @Trial('each', 'looked', 'counted')
    stacked() {
      return 'stacked';
    }

    @Get('both-late')
    @RateLimit({ name: 'enforced-late', limit: 3, window: '1h', phase: 'late', blockFor: '1h' })
    @Trial(...every)
    bothLate() {
      return 'late';
    }

    @Get('fails')
    @RateLimit('enforced')
    @Trial('failures', 'settled', 'slot')
    fails(@Query('how') how = 'refused') {
      throw new ForbiddenException(how);
    }

    @Sse('events')
    @RateLimit('slots')
    @Trial('slot', 'settled', 'failures')
    events() {
      return from([{ data: 1 }, { data: 2 }]);
    }

    @Get('stream')
    @RateLimit('slots')
    @Trial(...every)
    stream() {
      return new StreamableFile(Readable.from(['one', 'two']));
    }
  }
  return ThingsController;
}

const policies = {
  enforced: { limit: 3, window: '1h' },
  slots: { algorithm: 'concurrency', limit: 5 },
} as const satisfies RateLimitModuleOptions['policies'];

afterEach(closeApps);

/** An answer with its fields as they were sent, but for times, which two requests cannot share. */
async function sentBy({ url }: App, path: string): Promise<string> {
  const [response] = (await once(get(url + path, { agent: false }), 'response')) as [IncomingMessage];
  const { statusCode, statusMessage, rawHeaders } = response;
  const fields = rawHeaders.map((name, i) => (i % 2 === 0 ? `${name}: ${rawHeaders[i + 1]}\n` : '')).join('');
  return `${statusCode} ${statusMessage}\n${fields}\n${await text(response)}`
    .replace(/^date: .*$/im, 'date')
    .replace(/^(retry-after|x-ratelimit-reset): \d+/gim, '$1: span')
    .replace(/;t=\d+/g, ';t=span');
}

const PATHS = ['/alone', '/stacked', '/both-late', '/fails', '/events', '/stream'];

describe.each(adapters)('policies in shadow change no byte of an answer, on %s', (adapter: Adapter) => {
  const cases: [string, () => Partial<Parameters<typeof boot>[1]>][] = [
    ['in memory, with fields of both kinds', () => ({ headers: 'both' })],
    ['in Redis, with fields of the draft', () => ({ redis: sharedRedis().url, headers: 'ietf' })],
    ['in Redis, with the old fields', () => ({ redis: sharedRedis().url, headers: 'legacy' })],
    ['without Redis, and without fields', () => ({ redis: 'redis://127.0.0.1:1', headers: 'none' })],
    ['with a guard of the application', () => ({ guard: false })],
  ];

  it.each(cases)('%s', async (_, options) => {
    const answers = await Promise.all(
      [false, true].map(async (isWatched) => {
        const given = { prefix: randomUUID(), policies, ...options() } as RateLimitModuleOptions & { guard?: boolean };
        const app = await boot(adapter, given, {
          controllers: [controllerWith(isWatched)],
          prepare: (nest) => given.guard === false && nest.useGlobalGuards(nest.get(RateLimitGuard)),
        });
        const seen: string[] = [];
        for (const path of PATHS) for (let i = 0; i < 4; i++) seen.push(await sentBy(app, path));
        return seen;
      }),
    );
    expect(answers[1]).toEqual(answers[0]);
    // The policies that enforce did deny.
    expect(answers[0]!.filter((answer) => answer.startsWith('429 ')).length).toBeGreaterThan(1);
  });
});
