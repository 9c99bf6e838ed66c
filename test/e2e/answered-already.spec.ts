import { Controller, Get, Header, Logger, Res, Sse, StreamableFile } from '@nestjs/common';
import {
  MemoryStore,
  RateLimit,
  RateLimitExceededException,
  type Hit,
  type RateLimitStore,
} from 'nestjs-redis-rate-limit';
import { jest } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { of, throwError, concat } from 'rxjs';
import { adapters, boot, closeApps } from '../support/app.js';

afterEach(async () => {
  jest.restoreAllMocks();
  SlowController.calls = 0;
  await closeApps();
});

interface Reply extends ServerResponse {
  hijack?(): void;
  raw?: ServerResponse;
}

const spent = () => new RateLimitExceededException(['tokens'], 1_000);

/** Node's own response, of which a handler has taken over the whole. */
function taken(reply: Reply): ServerResponse {
  reply.hijack?.();
  return reply.raw ?? reply;
}

@Controller()
class StreamsController {
  @Get('begun')
  begun(@Res() reply: Reply): void {
    const response = taken(reply);
    response.writeHead(200);
    response.write('t0 ');
    throw spent();
  }

  @Get('taken')
  takenOver(@Res() reply: Reply): void {
    taken(reply);
    throw spent();
  }

  @Get('thrown')
  @Header('Cache-Control', 'max-age=60')
  thrown() {
    throw spent();
  }

  @Sse('events')
  events() {
    return concat(of({ data: 't0' }), throwError(spent));
  }

  @Get('file')
  @RateLimit({ limit: 1, window: '1h' })
  file() {
    return new StreamableFile(Readable.from([Buffer.from('file')]));
  }
}

describe.each(adapters)('a handler that throws our exception when its answer has begun, on %s', (adapter) => {
  it('ends it, and where nothing was sent yet answers 429', async () => {
    const { get } = await boot(adapter, {}, { controllers: [StreamsController] });
    expect(await (await get('/begun')).text()).toBe('t0 ');
    for (const path of ['/taken', '/thrown']) {
      const refused = await get(path);
      expect(refused.status).toBe(429);
      expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect([refused.headers.get('retry-after'), refused.headers.get('cache-control')]).toEqual(['1', 'no-store']);
      expect(await refused.json()).toMatchObject({ status: 429, 'violated-policies': ['tokens'] });
    }
    expect(await (await get('/events')).text()).toMatch(/t0/);
    expect([await (await get('/file')).text(), (await get('/file')).status]).toEqual(['file', 429]);
  });
});

/** A store that answers once the application has answered without it. */
class FrozenStore implements RateLimitStore {
  private readonly inner = new MemoryStore();
  hasAnswered!: () => void;
  private readonly answered = new Promise<void>((resolve) => (this.hasAnswered = resolve));
  asked = () => {};

  async consume(hits: readonly Hit[]) {
    this.asked();
    await this.answered;
    return this.inner.consume(hits);
  }

  reset(): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
class SlowController {
  static calls = 0;

  @Get('passes')
  @RateLimit({ limit: 1, window: '1h' })
  passes() {
    SlowController.calls++;
    return { some: 'body' };
  }

  @Get('denied')
  @RateLimit({ limit: 0, window: '1h' })
  denied() {}
}

it('a handler whose middleware answers first still runs', async () => {
  const { get, nest } = await boot(
    'express',
    {},
    {
      controllers: [SlowController],
      prepare: (nest) =>
        nest.use((_request: unknown, response: ServerResponse, next: () => void) => {
          response.end();
          next();
        }),
    },
  );
  jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
  expect((await get('/passes')).status).toBe(200);
  await nest.close();
  expect(SlowController.calls).toBe(1);
});

describe.each(adapters)('a time-out that answers while the guard waits for its store, on %s', (adapter) => {
  it.each(['/passes', '/denied'])('%s: nothing is logged as an error', async (path) => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    const store = new FrozenStore();
    const { get, nest } = await boot(
      adapter,
      { store },
      {
        controllers: [SlowController],
        prepare: (nest) =>
          nest.use((_request: unknown, response: ServerResponse, next: () => void) => {
            store.asked = () => {
              response.statusCode = 504;
              response.end();
            };
            next();
          }),
      },
    );
    expect((await get(path)).status).toBe(504);
    store.hasAnswered();
    await nest.close();
    expect(SlowController.calls).toBe(0);
    expect(error.mock.calls).toEqual([]);
  });
});
