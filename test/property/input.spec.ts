import { randomUUID } from 'node:crypto';
import { maxHeaderSize } from 'node:http';
import { connect } from 'node:net';
import { Catch, Controller, Get, HttpException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import {
  byAll,
  byApiKey,
  byHeader,
  byTenant,
  byUser,
  definePolicy,
  MemoryStore,
  RateLimit,
  RateLimitError,
  RateLimiter,
  StoreUnavailableError,
  type Decision,
} from 'nestjs-redis-rate-limit';
import { RATE_LIMIT_STORE } from '../../libs/rate-limit/src/nest/tokens.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { textOf } from '../../libs/rate-limit/src/engine/identity/key-text.js';
import { adapters, boot, closeApps, type Adapter, type App } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

// An unhandled rejection fails the test during which it happens: jest sees to that.

/** Nobody comes near it, so that what is left tells who paid. */
const LIMIT = 1_000_000;
const quota = { limit: LIMIT, window: '1h' } as const;

/** What functions of the application say of the next request. The tests are in its process. */
let says: unknown;
const now = () => says as never;
const later = async () => says as never;

@Controller()
class InputController {
  /** How often a handler of it was reached. */
  static reached = 0;

  @Get('key')
  @RateLimit({ name: 'key', ...quota, key: byApiKey })
  key() {}

  @Get('header')
  @RateLimit({ name: 'header', ...quota, key: byHeader('X-Region') })
  header() {}

  @Get('inherited')
  @RateLimit({ name: 'inherited', ...quota, key: byHeader('constructor') })
  inherited() {}

  @Get('tenant')
  @RateLimit({ name: 'tenant', ...quota, key: byTenant })
  tenant() {}

  @Get('strict')
  @RateLimit({ name: 'strict', limit: 2, window: '1h', key: byHeader('X-Region') })
  strict() {}

  @Get('Where/it-is')
  @RateLimit({ name: 'where', ...quota, key: byHeader('X-Region') })
  where() {
    InputController.reached++;
  }

  @Get('items/:id')
  @RateLimit('where')
  item() {
    InputController.reached++;
  }

  @Get('ip')
  @RateLimit({ name: 'ip', ...quota })
  ip() {}

  @Get('user')
  @RateLimit({ name: 'user', ...quota, key: byUser })
  user() {}

  @Get('key/now')
  @RateLimit({ name: 'says', ...quota, key: now })
  keyNow() {}

  @Get('key/later')
  @RateLimit({ name: 'says', key: later })
  keyLater() {}

  @Get('key/all')
  @RateLimit({ name: 'all', ...quota, key: byAll(now, later) })
  keyAll() {}

  @Get('cost/now')
  @RateLimit('beside', { name: 'cost', limit: 10, window: '1h', key: byHeader('X-Region'), cost: now })
  costNow() {}

  @Get('cost/later')
  @RateLimit('beside', { name: 'cost', key: byHeader('X-Region'), cost: later })
  costLater() {}

  @Get('limit/now')
  @RateLimit('beside', { name: 'limit', limit: now, window: '1h', key: byHeader('X-Region') })
  limitNow() {}

  @Get('limit/later')
  @RateLimit('beside', {
    name: 'bucket',
    limit: later,
    window: '1h',
    algorithm: 'token-bucket',
    key: byHeader('X-Region'),
  })
  limitLater() {}
}

/** Keeps what is thrown that is no answer of the application's, and lets Nest make its 500 of it. */
@Catch()
class Mistakes extends BaseExceptionFilter {
  static readonly thrown: unknown[] = [];

  override catch(exception: unknown, host: ArgumentsHost): void {
    if (!(exception instanceof HttpException)) Mistakes.thrown.push(exception);
    super.catch(exception, host);
  }
}

interface Answer {
  status: number;
  fields: Map<string, string>;
}

/** A request as it is, byte for byte: others would refuse to send it, or put it right. */
function send(app: App, target: string, fields: readonly string[] = [], method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(app.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname);
    socket.setEncoding('latin1');
    const head = [`${method} ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...fields];
    socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
    socket.on('data', (data) => (answer += data.toString()));
    // A server that refuses a request may close while it is still being sent.
    socket.on('error', (error) => answer || reject(error));
    socket.on('close', () => {
      const [status, ...lines] = answer.split('\r\n\r\n', 1)[0]!.split('\r\n');
      const pairs = lines.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      });
      resolve({ status: Number(status!.split(' ')[1]), fields: new Map(pairs) });
    });
  });
}

/** How much the fields of an answer say is left. */
const left = ({ fields }: Answer): number => Number(/;r=(\d+)/.exec(fields.get('ratelimit') ?? '')?.[1]);

const prefixes: string[] = [];
let redis: Redis;
beforeAll(() => void (redis = connectTo(sharedRedis().url)));
afterAll(async () => {
  await closeApps();
  // The server may be somebody's.
  for (const prefix of prefixes) for await (const keys of keysOf(prefix)) if (keys.length) await redis.unlink(keys);
  closeClients();
});

const keysOf = (prefix: string): AsyncIterable<string[]> =>
  redis.scanStream({ match: `${prefix}:*`, count: 1_000 }) as AsyncIterable<string[]>;

/** On Redis, whose failing would be seen: nothing is judged without it. */
async function start(
  adapter: Adapter | FastifyAdapter,
  trust?: number | boolean,
): Promise<{ app: App; prefix: string }> {
  const prefix = `input-${randomUUID()}`;
  prefixes.push(prefix);
  const app = await boot(
    adapter,
    {
      redis: sharedRedis().url,
      prefix,
      timeout: 20_000,
      onStoreFailure: 'closed',
      policies: { beside: quota },
      keys: { user: () => says as never, tenantHeader: 'x-tenant-id' },
    },
    {
      controllers: [InputController],
      prepare: (nest) => {
        if (trust !== undefined) (nest as NestExpressApplication).set('trust proxy', trust);
        nest.useGlobalFilters(new Mistakes(nest.getHttpAdapter()));
      },
    },
  );
  return { app, prefix };
}

/** What a field's value may hold: Node takes these bytes and refuses all others. */
const byte = fc.oneof(
  fc.integer({ min: 0x20, max: 0x7e }),
  fc.integer({ min: 0x80, max: 0xff }),
  fc.constantFrom(...Array.from('\t%{}"\'\\:;,#+ ', (character) => character.charCodeAt(0))),
);
const bytes = fc.array(byte, { maxLength: 40 }).map((codes) => String.fromCharCode(...codes));
const values = fc.oneof(
  { weight: 4, arbitrary: bytes },
  fc.constantFrom('__proto__', 'constructor', 'toString', 'undefined', 'null', 'ip:127.0.0.1', '0', 'NaN'),
  // Up to 8 kB: where partitions are digested, and far beyond.
  fc
    .tuple(fc.constantFrom('a', '%', '\xe9', '{}'), fc.constantFrom(60, 118, 128, 1_000, 4_000), bytes)
    .map(([text, times, end]) => text.repeat(times) + end),
);
/** A percent sign and two digits for each byte would be more than Node takes. */
const LONGEST = 9_000;

/** Two values that may be mistaken for one another. */
const pairs = fc.oneof(
  fc.tuple(values, values),
  fc
    .tuple(
      values,
      fc.constantFrom<(text: string) => string>(
        (text) => text,
        (text) => `\t${text} `,
        (text) => `\xa0${text}\xa0`,
        (text) => `${text}x`,
        (text) => `${text}}`,
        (text) => `{${text}`,
        (text) => `${text}, ${text}`,
        (text) => text.toUpperCase(),
        (text) => text.replace(/[^ -~]/g, '?'),
        (text) => encodeURIComponent(text),
        (text) =>
          Buffer.from(text, 'latin1')
            .toString('utf8')
            .replace(/[^\t -~\x80-\xff]/g, '?'),
        (text) => text.slice(0, 128),
      ),
    )
    .map(([text, twist]): [string, string] => [text, twist(text).slice(0, LONGEST)]),
);

/** What HTTP takes for one value: the space around it is no part of it. */
const bare = (text: string): string => text.replace(/^[\t ]+|[\t ]+$/g, '');

/** All kinds of what a function of an application may return, by mistake or because a client made it so. */
const anything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.bigInt(),
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom<unknown>(
    ...[undefined, null, '', ' ', '5', '1e3', '0x5', '-1', 'NaN', true, NaN, Infinity, -0, 0.5, -1, 5n, 10n ** 400n],
    ...[
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER + 1,
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      1e15,
      999_999_999_999_999,
    ],
    ...['__proto__', 'constructor', '\ud800', '\udc00\ud800', '\0', 'a\r\nSet-Cookie: b', '}', '{}', '%', '\u202e'],
    ...[Symbol('odd'), Symbol.iterator, () => 5, {}, [], ['a'], [5], new Date(NaN), new Number(5), new String('5')],
    ...[Object.create(null), { toString: () => 'a' }, { valueOf: () => 5 }, { toJSON: () => undefined }],
  ),
);

const isText = (value: unknown): boolean => textOf(value) !== undefined;

const isUnits = (value: unknown, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;

/** A client of its own for each run, so that no run is told of another. */
let clients = 0;
const somebody = (): string => `client-${++clients}`;

describe.each(adapters)('whatever a client of %s sends', (adapter) => {
  let app: App;
  let prefix: string;
  let limiter: RateLimiter;
  /** Clients who send nothing odd, and have spent one unit each. */
  const bystanders = [
    ['header', 'header.x-region:bystander'],
    ['tenant', 'tenant:bystander'],
    ['ip', 'ip:203.0.113.99'],
    ['user', 'user:bystander'],
    ['says', 'bystander of old'],
  ] as const;

  beforeAll(async () => {
    ({ app, prefix } = await start(adapter));
    limiter = app.nest.get(RateLimiter);
    for (const [policy, key] of bystanders) await limiter.consume(policy, key);
  });
  beforeEach(() => {
    says = undefined;
    Mistakes.thrown.length = 0;
  });
  afterEach(async () => {
    for (const [policy, key] of bystanders) {
      expect((await limiter.peek(policy, key)).remaining).toBe(LIMIT - 1);
    }
  });

  const asked = fc.constantFrom(
    { path: '/key', name: 'x-api-key' },
    { path: '/header', name: 'X-Region' },
    { path: '/tenant', name: 'X-TENANT-ID' },
  );

  it('one value is one quota, and two values are two', async () => {
    await fc.assert(
      fc.asyncProperty(asked, pairs, async ({ path, name }, [one, other]) => {
        const ask = async (value: string) => {
          const answer = await send(app, path, [`${name}: ${value}`]);
          expect(answer.status).toBe(200);
          return left(answer);
        };
        const before = await ask(one);
        await ask(other);
        expect(await ask(one)).toBe(before - (bare(one) === bare(other) ? 2 : 1));
      }),
      {
        numRuns: 120,
        examples: [
          [{ path: '/header', name: 'x-region' }, ['\xe9'.repeat(100), '\xe9'.repeat(101)]],
          [{ path: '/header', name: 'x-region' }, ['%7d;', '}']],
          [{ path: '/header', name: 'x-region' }, ['k'.repeat(8_000), `${'k'.repeat(8_000)}k`]],
          [{ path: '/key', name: 'x-api-key' }, ['\xc3\xa9', '\xe9']],
          [{ path: '/tenant', name: 'x-tenant-id' }, ['', 'ip:127.0.0.1']],
          // JavaScript trims a no-break space as well, which HTTP does not.
          [{ path: '/tenant', name: 'x-tenant-id' }, ['a', 'a\xa0']],
          [{ path: '/header', name: 'x-region' }, ['a', '\xa0a']],
        ],
      },
    );
  });

  it('a quota that is spent is denied, whatever its key reads like', async () => {
    await fc.assert(
      fc.asyncProperty(values, values, async (before, after) => {
        const value = `${before}${somebody()}${after}`;
        const ask = async () => (await send(app, '/strict', [`X-Region: ${value}`])).status;
        expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
      }),
      { numRuns: 60 },
    );
  });

  it('a header that is sent twice is one value, and odd names of headers are nothing to us', async () => {
    const twice = await send(app, '/header', ['X-Region: a', 'x-region: b', '__proto__: x', 'constructor: x']);
    const once = await send(app, '/header', ['X-Region: a, b', 'toString: x', 'hasOwnProperty: x']);
    expect([twice.status, once.status, left(once)]).toEqual([200, 200, left(twice) - 1]);
    const sent = await send(app, '/inherited', ['constructor: x']);
    const { remaining } = await limiter.peek('inherited', 'ip:127.0.0.1');
    expect([sent.status, remaining]).toEqual([200, LIMIT]);
    expect((await send(app, '/inherited')).status).toBe(200);
    expect((await limiter.peek('inherited', 'ip:127.0.0.1')).remaining).toBe(LIMIT - 1);
  });

  it('10 kB of key are taken; a head of more than 16 kB Node refuses with 431, and bytes that are no text with 400', async () => {
    expect(maxHeaderSize).toBe(16 * 1_024);
    expect((await send(app, '/header', [`X-Region: ${'k'.repeat(10_240)}`])).status).toBe(200);
    const stored = await count(prefix);
    expect((await send(app, '/header', [`X-Region: ${'k'.repeat(maxHeaderSize)}`])).status).toBe(431);
    for (const code of [0, 1, 8, 0x0b, 0x1f, 0x7f]) {
      const { status } = await send(app, '/header', [`X-Region: refused${String.fromCharCode(code)}`]);
      expect([code, status]).toEqual([code, 400]);
    }
    expect(await count(prefix)).toBe(stored);
  });

  it('no spelling of a url reaches a handler without paying, or by another quota', async () => {
    const escaped = (text: string, places: readonly number[]) =>
      Array.from(text, (character, i) =>
        places.includes(i) ? `%${character.charCodeAt(0).toString(16)}` : character,
      ).join('');
    const path = fc
      .tuple(
        fc.constantFrom('/Where/it-is', '/where/IT-IS', '/WHERE/it-is', '/items/7', '/ITEMS/%37', '/items/a%2Fb'),
        fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat(11), { maxLength: 3 })),
      )
      .map(([text, places]) => escaped(text, places));
    const around = (usual: string, ...odd: string[]) =>
      fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...odd) });
    const spelled = fc
      .tuple(
        around('', '/', '//', '/.', '/x/..', '/%2e%2e', 'http://a', 'http://b:1', '%2f', '\xe9'),
        path,
        around('', '/', '//', '/.', '%20', '%00', '%2f', '%5c', ';a=b', '%', '%zz', '%ff', '%c0%af', '\xe9', '.'),
        around(
          '',
          '?',
          '??',
          '?a=b',
          '?__proto__[a]=1',
          '?a[]=1&a[]=2',
          `?${'a=b&'.repeat(500)}`,
          '?%zz',
          '#a',
          '?%00',
        ),
      )
      .map((parts) => parts.join(''));
    const methods = fc.oneof({ weight: 2, arbitrary: fc.constant('GET') }, fc.constantFrom('HEAD', 'OPTIONS', 'POST'));
    let all = 0;
    await fc.assert(
      fc.asyncProperty(spelled, methods, async (target, method) => {
        const who = somebody();
        InputController.reached = 0;
        const { status } = await send(app, target, [`X-Region: ${who}`], method);
        expect([200, 204, 301, 400, 404, 405]).toContain(status);
        const { remaining } = await limiter.peek({ name: 'where', ...quota }, `header.x-region:${who}`);
        expect(LIMIT - remaining).toBe(InputController.reached);
        all += InputController.reached;
      }),
      {
        numRuns: 150,
        examples: ['/where/it-is', '/Where/it-is/', '/Where/it-is?a=b', '//Where/it-is', '/items/%zz'].map((target) => [
          target,
          'GET',
        ]),
      },
    );
    expect(all).toBeGreaterThan(8);
    const ask = async (target: string) => left(await send(app, target, ['X-Region: one']));
    expect(await ask('/Where/it-is')).toBe(LIMIT - 1);
    expect(await ask('/Where/it-is?a=b')).toBe(LIMIT - 2);
    expect(await ask('http://other/Where/it-is')).toBe(LIMIT - 3);
    expect(await ask('/items/1')).toBe(LIMIT - 4);
    expect(await ask('/items/%F0%9F%98%80')).toBe(LIMIT - 5);
  });

  it('who hangs up before the answer makes no error and is charged to nobody else', async () => {
    const { hostname, port } = new URL(app.url);
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const socket = connect(Number(port), hostname).on('error', () => {});
        socket.write('GET /ip HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.98\r\n\r\n');
        await new Promise((resolve) => setTimeout(resolve, i % 3));
        socket.resetAndDestroy();
      }),
    );
    expect((await send(app, '/ip')).status).toBe(200);
    expect((await limiter.peek('ip', 'ip:203.0.113.98')).remaining).toBe(LIMIT);
    expect(Mistakes.thrown).toEqual([]);
  });

  const forwarded = fc.oneof(
    bytes,
    fc
      .array(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          bytes,
          fc.constantFrom(
            '',
            'unknown',
            '_hidden',
            '::',
            '[::1]:80',
            '1.2.3.4:99999',
            '::ffff:1.2.3.4%eth0',
            '64:ff9b::',
          ),
          fc.constantFrom(
            '010.1.1.1',
            '1.2.3.4.5',
            '%',
            ':::',
            '[',
            ']:',
            'for="[::1]"',
            '٣.1.1.1',
            '0x7f.1',
            '2130706433',
          ),
        ),
        { maxLength: 12 },
      )
      .map((hops) => hops.join(',')),
    fc.constantFrom(','.repeat(8_000), '1.2.3.4,'.repeat(900), ':'.repeat(8_000), '['.repeat(8_000)),
  );
  const field = (value: string) => [`X-Forwarded-For: ${Buffer.from(value).toString('latin1')}`];

  it('X-Forwarded-For, however mad, pays by the socket when no hop is trusted', async () => {
    await fc.assert(
      fc.asyncProperty(forwarded, async (chain) => {
        const { remaining } = await limiter.peek('ip', 'ip:127.0.0.1');
        const { status } = await send(app, '/ip', field(chain));
        expect([status, (await limiter.peek('ip', 'ip:127.0.0.1')).remaining]).toEqual([200, remaining - 1]);
      }),
      { numRuns: 40 },
    );
  });

  it('with one trusted hop it pays by what that hop wrote, and with all of them it is answered', async () => {
    const trusting = async (fastify: string | boolean, express: number | boolean) =>
      (
        await start(
          adapter === 'fastify' ? new FastifyAdapter({ trustProxy: fastify }) : adapter,
          adapter === 'express' ? express : undefined,
        )
      ).app;
    const one = await trusting('127.0.0.1', 1);
    const all = await trusting(true, true);
    const hers = one.nest.get(RateLimiter);
    await fc.assert(
      fc.asyncProperty(forwarded, async (chain) => {
        const { remaining } = await hers.peek('ip', 'ip:203.0.113.9');
        expect((await send(one, '/ip', field(`${chain}, 203.0.113.9`))).status).toBe(200);
        expect((await hers.peek('ip', 'ip:203.0.113.9')).remaining).toBe(remaining - 1);
        expect((await send(one, '/ip', field(chain))).status).toBe(200);
        expect((await send(all, '/ip', field(chain))).status).toBe(200);
      }),
      { numRuns: 40 },
    );
  });

  it('a key is text or an id, one quota each; undefined and null are no limit; all else is a 500 that names the handler', async () => {
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom('now', 'later'), async (key, when) => {
        says = key;
        Mistakes.thrown.length = 0;
        const answer = await send(app, `/key/${when}`);
        if (key === undefined || key === null) {
          expect([answer.status, answer.fields.get('ratelimit')]).toEqual([200, undefined]);
        } else if (isText(key)) {
          expect(answer.status).toBe(200);
          expect((await limiter.peek('says', textOf(key)!)).remaining).toBe(left(answer));
        } else {
          expect(answer.status).toBe(500);
          expectMistake('RL_KEY_INVALID', when === 'now' ? 'keyNow' : 'keyLater');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('byAll takes the same keys, so that unlike ones never become one text', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (key) => {
        says = key;
        Mistakes.thrown.length = 0;
        const answer = await send(app, '/key/all');
        if (key === undefined || key === null) {
          expect([answer.status, answer.fields.get('ratelimit')]).toEqual([200, undefined]);
        } else if (isText(key)) expect(answer.status).toBe(200);
        else {
          expect(answer.status).toBe(500);
          expectMistake('RL_KEY_INVALID', 'keyAll');
        }
      }),
      { numRuns: 80, examples: [{ id: 1 }, NaN, null, ['a']].map((key): [unknown] => [key]) },
    );
  });

  it('two texts of a key function never share a quota, and one always does', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\0', '%', '}', '{', '#', ' ', ';', '0') }),
      fc.constantFrom(
        '__proto__',
        'constructor',
        '',
        ' ',
        '\u00e9',
        'e\u0301',
        '\ufffd',
        '\ud800',
        '\ud801',
        'a'.repeat(200),
      ),
    );
    await fc.assert(
      fc.asyncProperty(text, text, async (one, other) => {
        const ask = async (key: string) => ((says = key), left(await send(app, '/key/now')));
        const before = await ask(one);
        await ask(other);
        expect(await ask(one)).toBe(before - (one === other ? 2 : 1));
      }),
      {
        numRuns: 80,
        examples: [
          ['\ud800', '\ud801'],
          ['\ufffd', '\ud800'],
          ['', '%'],
          ['\u00e9', 'e\u0301'],
        ],
      },
    );
  });

  it('an identity is text or an id, and all else pays by the address', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (user) => {
        says = user;
        const answer = await send(app, '/user');
        expect(answer.status).toBe(200);
        const text = textOf(user);
        expect((await limiter.peek('user', text ? `user:${text}` : 'ip:127.0.0.1')).remaining).toBe(left(answer));
      }),
      { numRuns: 80 },
    );
  });

  it('a cost that is none is a 500 that names the handler, charges nothing and lets nobody pass', async () => {
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom('now', 'later'), async (cost, when) => {
        const who = somebody();
        const spent = async () => {
          const { remaining } = await limiter.peek({ name: 'cost', limit: 10, window: '1h' }, `header.x-region:${who}`);
          return [10 - remaining, LIMIT - (await limiter.peek('beside', 'ip:127.0.0.1')).remaining];
        };
        const [, before] = await spent();
        says = cost;
        Mistakes.thrown.length = 0;
        const { status, fields } = await send(app, `/cost/${when}`, [`X-Region: ${who}`]);
        if (isUnits(cost, 10)) {
          expect([status, ...(await spent())]).toEqual([200, Math.abs(cost), before! + 1]);
        } else if (isUnits(cost, Number.MAX_SAFE_INTEGER)) {
          expect([status, fields.get('retry-after'), ...(await spent())]).toEqual([429, undefined, 0, before]);
        } else {
          expect([status, ...(await spent())]).toEqual([500, 0, before]);
          expectMistake('RL_COST_INVALID', when === 'now' ? 'costNow' : 'costLater');
        }
      }),
      {
        numRuns: 150,
        examples: ['1', NaN, 0.5, -1, 1e300, 5n, -0, undefined, null, Number.MAX_SAFE_INTEGER].flatMap(
          (cost): [unknown, 'now' | 'later'][] => [
            [cost, 'now'],
            [cost, 'later'],
          ],
        ),
      },
    );
  });

  it('a limit that is none is a 500 that names the handler, charges nothing and lets nobody pass', async () => {
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom('now', 'later'), async (limit, when) => {
        const before = (await limiter.peek('beside', 'ip:127.0.0.1')).remaining;
        says = limit;
        Mistakes.thrown.length = 0;
        const answer = await send(app, `/limit/${when}`, [`X-Region: ${somebody()}`]);
        // A token bucket counts exactly only while its limit times its window does.
        const most = when === 'now' ? 999_999_999_999_999 : Math.floor(Number.MAX_SAFE_INTEGER / 3_600_000);
        const charged = before - (await limiter.peek('beside', 'ip:127.0.0.1')).remaining;
        if (!isUnits(limit, most)) {
          expect([answer.status, charged]).toEqual([500, 0]);
          const code = isUnits(limit, 999_999_999_999_999) ? 'RL_PRECISION' : 'RL_LIMIT_INVALID';
          expectMistake(code, when === 'now' ? 'limitNow' : 'limitLater');
        } else if (limit === 0) expect([answer.status, charged]).toEqual([429, 0]);
        else expect([answer.status, charged]).toEqual([200, 1]);
      }),
      {
        numRuns: 150,
        examples: [
          ['5', 'now'],
          [NaN, 'later'],
          [1e15, 'now'],
          [1e12, 'later'],
          [-0, 'now'],
        ],
      },
    );
  });

  it('leaves no key without a TTL, and none that is long', async () => {
    let seen = 0;
    for (const each of prefixes) {
      for await (const keys of keysOf(each)) {
        const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
        // -2: over meanwhile.
        for (const life of lives) expect(life).not.toBe(-1);
        for (const key of keys) expect(key.length).toBeLessThan(250);
        seen += keys.length;
      }
    }
    expect(seen).toBeGreaterThan(100);
  });
});

/** The one thing that was thrown since the request was sent. */
function expectMistake(code: string, handler: string): void {
  expect(Mistakes.thrown).toEqual([expect.any(RateLimitError)]);
  const [mistake] = Mistakes.thrown as [RateLimitError];
  expect(mistake.code).toBe(code);
  // On one line, or what a client sent could forge a line of the log.
  expect(mistake.message).toMatch(new RegExp(`^${code}: InputController\\.${handler}: .+$`));
}

async function count(prefix: string): Promise<number> {
  let keys = 0;
  for await (const some of keysOf(prefix)) keys += some.length;
  return keys;
}

describe('thousands of new keys a second', () => {
  const BURST = 20_000;
  const made = (i: number): string => `key:${i.toString(36)}-${'made up'.repeat(3)}`;

  it('are all judged by Redis, each stored once and not for longer than its window', async () => {
    const prefix = `input-${randomUUID()}`;
    prefixes.push(prefix);
    const policies = { many: { limit: 1, window: '5m' } } as const;
    const app = await boot('express', { redis: sharedRedis().url, prefix, policies, timeout: 20_000 }, {});
    const limiter = app.nest.get(RateLimiter);
    const ask = () => Promise.all(Array.from({ length: BURST }, (_, i) => limiter.consume('many', made(i))));
    expect((await ask()).filter(({ allowed, by }) => !allowed || by !== 'store')).toEqual([]);
    let stored = 0;
    for await (const keys of keysOf(prefix)) {
      const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
      expect(Math.min(...lives, 1)).toBeGreaterThan(0);
      expect(Math.max(...lives, 1)).toBeLessThanOrEqual(300_000);
      stored += keys.length;
    }
    expect(stored).toBe(BURST);

    // Denied, they are remembered, and no more of them than fit.
    const { inner: store } = app.nest.get<{ inner: DenialCacheStore }>(RATE_LIMIT_STORE);
    expect(store).toBeInstanceOf(DenialCacheStore);
    expect((await ask()).filter(({ allowed }) => allowed)).toEqual([]);
    expect(store.size).toBeGreaterThan(0);
    expect(store.size).toBeLessThanOrEqual(30_000);
  });

  it('fill the memory of a process with no more than 100,000 while Redis is away', async () => {
    const away = async () => Promise.reject(new StoreUnavailableError('Redis gave no answer in time'));
    const policies = { many: { limit: 1, window: '1h' } } as const;
    const app = await boot('express', { store: { consume: away, reset: away }, policies }, {});
    const limiter = app.nest.get(RateLimiter);
    const ask = async (i: number) => limiter.consume('many', made(i));
    const wrong: Decision[] = [];
    for (let i = 0; i < 120_000; i++) {
      const decision = await ask(i);
      if (!decision.allowed || decision.by === 'store') wrong.push(decision);
    }
    expect(wrong).toEqual([]);
    // The newest are known; the oldest were forgotten, to make room.
    expect((await ask(119_999)).allowed).toBe(false);
    expect((await ask(20_001)).allowed).toBe(false);
    expect((await ask(19_999)).allowed).toBe(true);
    expect((await ask(0)).allowed).toBe(true);
  });

  it('a memory store keeps the newest 100,000 of them', async () => {
    const store = new MemoryStore();
    const policy = definePolicy({ name: 'many', limit: 1, window: '1h' });
    let most = 0;
    for (let i = 0; i < 120_000; i++) {
      store.consume([{ policy, key: made(i), cost: 1 }]);
      most = Math.max(most, store.size);
    }
    expect([most, store.size]).toEqual([100_000, 100_000]);
  });
});
