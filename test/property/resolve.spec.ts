import { Controller, Get, HttpException } from '@nestjs/common';
import fc from 'fast-check';
import { RateLimit, RateLimiter, type Duration } from 'nestjs-redis-rate-limit';
import { milliseconds } from '../../libs/rate-limit/src/core/duration.js';
import { adapters, boot, closeApps, type App } from '../support/app.js';

// An unhandled rejection fails the test during which it happens: jest sees to that.

/** What the lookup does next. The test is in its process. */
let resolve: () => unknown;
let who = 0;

@Controller()
class PlanController {
  @Get('alone')
  @RateLimit({
    name: 'alone',
    limit: 7,
    window: '1h',
    key: () => `caller ${who}`,
    resolve: () => resolve() as never,
    resolveTimeout: 15,
  })
  alone() {}

  @Get('shared')
  @RateLimit({
    name: 'shared',
    limit: 7,
    window: '1h',
    algorithm: 'token-bucket',
    key: () => `caller ${who}`,
    resolve: () => resolve() as never,
    resolveCache: { by: () => who, for: '1h', max: 20 },
    resolveTimeout: 15,
  })
  shared() {}
}

const throwing = (): never => {
  throw new Error('thrown by a getter');
};

/** Values that nobody means, made anew: some cannot be looked at even by who prints them. */
const odd = fc
  .constantFrom<[string, () => unknown]>(
    ['a revoked proxy', () => (({ proxy, revoke }) => (revoke(), proxy))(Proxy.revocable({}, {}))],
    ['a proxy that throws', () => new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing })],
    ['a getter that throws', () => Object.defineProperty({}, 'limit', { get: throwing, enumerable: true })],
    ['a then that throws', () => ({ then: throwing })],
    ['a getter of then that throws', () => Object.defineProperty({}, 'then', { get: throwing })],
    ['a then that never calls', () => ({ then: () => {} })],
    ['a then that calls twice', () => ({ then: (done: (value: unknown) => void) => (done({ limit: 3 }), done({})) })],
    ['an error without a message', () => Object.defineProperty(new Error(), 'message', { get: throwing })],
    ['an exception', () => new HttpException('told', 418)],
    ['a symbol', () => Symbol('odd')],
    ['a function', () => () => 5],
    ['a class', () => class {}],
    ['a map', () => new Map([['limit', 3]])],
  )
  .map(([name, make]) => Object.assign(make, { toString: () => name }));

const values = fc.oneof(
  fc.integer({ min: -2, max: 12 }),
  fc.constantFrom<unknown>(
    ...[undefined, null, '', '5', '1m', '10 seconds', NaN, Infinity, -0, 0.5, 5n, 1e15, 999_999_999_999_999],
    ...[60_000, true, {}, [], [5], () => 5, Symbol('odd'), 'x'.repeat(500), '\ud800', 'a\nb'],
  ),
  fc.anything(),
);
const answers = fc.oneof(
  { weight: 3, arbitrary: fc.dictionary(fc.constantFrom('limit', 'window', 'burst', 'key', 'cost'), values) },
  { weight: 2, arbitrary: fc.record({ limit: fc.nat(9), window: fc.constantFrom('1m', '1d'), cost: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('limit', 'limt', 'algorithm', 'name'), values) },
  values,
);
const made = fc.oneof({ weight: 4, arbitrary: answers.map((answer) => () => answer) }, odd);

/** Anything can be thrown, whatever types and rules say. */
const thrown = (value: unknown) => value as Error;

/** What answers when the request has its own answer. */
const late: (() => void)[] = [];

const WAYS = {
  returns: (make: () => unknown) => make(),
  throws: (make: () => unknown) => {
    throw make();
  },
  resolves: async (make: () => unknown) => (await new Promise(setImmediate), make()),
  rejects: async (make: () => unknown) => {
    await new Promise(setImmediate);
    throw make();
  },
  'resolves late': (make: () => unknown) => new Promise((done) => late.push(() => done(make()))),
  'rejects late': (make: () => unknown) => new Promise((_, fail) => late.push(() => fail(thrown(make())))),
  'never answers': () => new Promise(() => {}),
};
const ways = fc.constantFrom(...(Object.keys(WAYS) as (keyof typeof WAYS)[]));

/** The numbers in `RateLimit-Policy`. */
const numbersOf = (answer: Response): [number, number] => {
  const [, quota, window] = /;q=(\d+)(?:;w=(\d+))?/.exec(answer.headers.get('ratelimit-policy') ?? '') ?? [];
  return [Number(quota), Number(window)];
};

afterAll(closeApps);

describe.each(adapters)('whatever a lookup does on %s', (adapter) => {
  let app: App;
  beforeAll(async () => void (app = await boot(adapter, {}, { controllers: [PlanController] })));

  it('the request is decided, by numbers of the lookup or the own ones, or told what was thrown for it', async () => {
    const seen = { own: 0, resolved: 0, told: 0 };
    await fc.assert(
      fc.asyncProperty(ways, made, fc.constantFrom('/alone', '/shared'), async (way, make, path) => {
        who++;
        resolve = () => WAYS[way](make);
        const answer = await app.get(path);
        for (const comes of late.splice(0)) comes();
        if (answer.status === 418) {
          expect([way, make.toString()]).toEqual([expect.stringMatching(/^(throws|rejects)$/), 'an exception']);
          return void seen.told++;
        }
        expect([200, 429]).toContain(answer.status);
        const [quota, window] = numbersOf(answer);
        if (quota === 7 && window === 3_600) return void seen.own++;
        seen.resolved++;
        // Only an answer in time has numbers, and these are they.
        expect(['returns', 'resolves']).toContain(way);
        const { limit, window: span } = (make.toString() === 'a then that calls twice' ? { limit: 3 } : make()) as {
          limit?: number;
          window?: Duration;
        };
        expect(quota).toBe(Math.abs(limit ?? 7));
        expect(window).toBe(Math.max(1, Math.ceil(milliseconds(span ?? '1h') / 1_000)));
      }),
      {
        numRuns: 400,
        examples: Object.keys(WAYS).flatMap((way) =>
          [() => ({ limit: 5 }), () => undefined, () => new HttpException('told', 418)].map(
            (make, i): [keyof typeof WAYS, () => unknown, string] => [
              way as keyof typeof WAYS,
              i < 2 ? make : Object.assign(make, { toString: () => 'an exception' }),
              '/shared',
            ],
          ),
        ) as never,
      },
    );
    expect(Math.min(seen.own, seen.resolved, seen.told)).toBeGreaterThan(1);
  });

  it('a crowd without an answer is charged exactly by the own numbers', async () => {
    const limiter = app.nest.get(RateLimiter);
    const policy = { name: 'shared', limit: 7, window: '1h', algorithm: 'token-bucket' } as const;
    const failing = fc.constantFrom('throws', 'rejects', 'rejects late', 'never answers' as const);
    const reasons = made.filter((make) => make.toString() !== 'an exception');
    await fc.assert(
      fc.asyncProperty(failing, reasons, fc.integer({ min: 2, max: 12 }), async (way, make, count) => {
        who++;
        resolve = () => WAYS[way](make);
        const answers = await Promise.all(Array.from({ length: count }, () => app.get('/shared')));
        const admitted = Math.min(count, 7);
        for (const comes of late.splice(0)) comes();
        expect(answers.map(({ status }) => status).sort()).toEqual(
          Array.from({ length: count }, (_, i) => (i < admitted ? 200 : 429)),
        );
        expect((await limiter.peek(policy, `caller ${who}`)).remaining).toBe(7 - admitted);
      }),
      { numRuns: 100 },
    );
  });
});
