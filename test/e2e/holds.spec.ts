import { jest } from '@jest/globals';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  Injectable,
  Logger,
  Param,
  ParseIntPipe,
  Post,
  Sse,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import {
  RateLimit,
  RateLimiter,
  Usage,
  llmUsage,
  type CallUsage,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { connect } from 'node:net';
import { interval, map, take } from 'rxjs';
import { boot, closeApps, type App } from '../support/app.js';
import { everywhere, keptIn } from '../support/places.js';

/** As passport's local strategy: the guard checks the password. */
@Injectable()
class PasswordGuard implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

/** Ends when the test says so. */
const gates = new Map<string, () => void>();
const until = (name: string) => new Promise<void>((resolve) => gates.set(name, resolve));

@Controller()
class HoldsController {
  @Post('login')
  @HttpCode(200)
  @RateLimit('login')
  login(@Body() { password }: { password: string }) {
    if (password !== 'right') throw new UnauthorizedException();
    return 'welcome';
  }

  @Post('guarded')
  @UseGuards(PasswordGuard)
  @RateLimit('login')
  guarded() {}

  @Get('piped/:n')
  @RateLimit('login')
  piped(@Param('n', ParseIntPipe) n: number) {
    return n;
  }

  @Get('prizes/:found')
  @RateLimit('prizes')
  prizes(@Param('found') found: string) {
    if (found === 'no') throw new BadRequestException();
  }

  @Post('chat')
  @HttpCode(200)
  @RateLimit('tokens')
  chat(@Body() { used }: { used: number }) {
    return { text: 'hello', usage: { prompt_tokens: used - 10, completion_tokens: 10, total_tokens: used } };
  }

  @Sse('stream')
  @RateLimit('tokens')
  stream() {
    const chunks = [
      { choices: [{ delta: {} }], usage: null },
      { choices: [], usage: usageOf(340) },
    ];
    return interval(5).pipe(
      take(chunks.length),
      map((i) => ({ data: chunks[i]! })),
    );
  }

  @Get('slow/:name')
  @RateLimit('tokens')
  async slow(@Param('name') name: string, @Usage() usage: CallUsage) {
    usage.add(650);
    await until(name);
    return { usage: usageOf(300) };
  }

  @Get('stuck')
  @RateLimit('stuck')
  stuck() {}

  @Get('export')
  @RateLimit({ name: 'exports', algorithm: 'concurrency', limit: 1, key: () => 'somebody' })
  export() {}

  @Get('upload/:name')
  @RateLimit('uploads', 'rest')
  async upload(@Param('name') name: string) {
    await until(name);
  }
}

const usageOf = (total: number) => ({ prompt_tokens: total - 10, completion_tokens: 10, total_tokens: total });
const key = () => 'somebody';
const policies: RateLimitModuleOptions['policies'] = {
  login: { limit: 5, window: '15m', blockFor: '15m', count: 'failures', key },
  prizes: { limit: 2, window: '1d', count: 'successes', key },
  tokens: { limit: 1_000, window: '1m', cost: 400, settle: llmUsage(), key },
  stuck: { limit: 10, window: '1m', lease: '1s', settle: () => new Promise<number>(() => {}), key },
  uploads: { algorithm: 'concurrency', limit: 2, lease: '2s', key },
  rest: { limit: 100, window: '1m', key },
};

const optionsFor = keptIn();
afterEach(closeApps);

describe.each(everywhere)('an application on %s, quotas %s', (adapter, place) => {
  const start = async () => {
    const { get, nest, url } = await boot(
      adapter,
      { policies, ...optionsFor(place) },
      { controllers: [HoldsController], providers: [PasswordGuard] },
    );
    const post = (path: string, body: unknown = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const limiter = nest.get(RateLimiter);
    const left = async (policy: string) => (await limiter.peek(policy, 'somebody')).remaining;
    /** What is left, as soon as nothing is held any more. */
    const finallyLeft = async (policy: string) => {
      while ((await limiter.holds(policy, 'somebody')).length > 0) await soon();
      return left(policy);
    };
    return { get, post, url, limiter, left, finallyLeft };
  };

  it('right passwords do not count, however many at once; wrong ones do, and block', async () => {
    const { post, finallyLeft, limiter } = await start();
    const right = await Promise.all(Array.from({ length: 50 }, () => post('/login', { password: 'right' })));
    const refused = right.filter(({ status }) => status === 429);
    expect(right.filter(({ status }) => status === 200).length).toBe(50 - refused.length);
    for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');
    expect(await finallyLeft('login')).toBe(5);
    expect(await limiter.blockedFor('login', 'somebody')).toBe(0);

    const statuses = [];
    for (let i = 0; i < 6; i++) {
      statuses.push((await post('/login', { password: 'wrong' })).status);
      while ((await limiter.holds('login', 'somebody')).length > 0) await soon();
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await limiter.blockedFor('login', 'somebody')).toBeGreaterThan(899_000);
  });

  it('what a guard refuses counts as a failure, what a pipe refuses does not', async () => {
    const { post, get, finallyLeft } = await start();
    expect((await post('/guarded')).status).toBe(401);
    expect(await finallyLeft('login')).toBe(4);
    expect((await get('/piped/x')).status).toBe(400);
    expect(await finallyLeft('login')).toBe(4);
  });

  it('only successes count where the policy says so', async () => {
    const { get, finallyLeft } = await start();
    for (let i = 0; i < 3; i++) expect((await get('/prizes/no')).status).toBe(400);
    expect(await finallyLeft('prizes')).toBe(2);
    expect((await get('/prizes/yes')).status).toBe(200);
    expect(await finallyLeft('prizes')).toBe(1);
  });

  it('an estimate is settled by the usage of the answer, in JSON and in a stream', async () => {
    const { post, get, finallyLeft } = await start();
    const response = await post('/chat', { used: 250 });
    expect(response.headers.get('ratelimit')).toContain('r=600');
    expect(await finallyLeft('tokens')).toBe(750);
    await (await get('/stream')).text();
    expect(await finallyLeft('tokens')).toBe(410);
    // More than the estimate is a debt: nothing is left, and it is not denied.
    expect((await post('/chat', { used: 900 })).status).toBe(200);
    expect(await finallyLeft('tokens')).toBe(0);
  });

  it('a client that disconnects keeps its estimate, or what it has used; the handler runs on', async () => {
    const { url, left, finallyLeft, limiter } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /slow/gone HTTP/1.1\r\nHost: x\r\n\r\n');
    while (!gates.has('gone')) await soon();
    expect(await left('tokens')).toBe(600);
    socket.destroy();
    await soon();
    expect(await limiter.holds('tokens', 'somebody')).toHaveLength(1);
    gates.get('gone')!();
    gates.delete('gone');
    // The model's own usage says 300. The handler had said 650 before.
    expect(await finallyLeft('tokens')).toBe(350);
  });

  it('slots may be limited where they are used', async () => {
    const { get } = await start();
    expect((await get('/export')).headers.get('ratelimit')).toBe('"exports";r=0');
  });

  it('slots are taken until the answer is sent, all or none with other policies', async () => {
    const { get, left, finallyLeft, limiter } = await start();
    const running = ['a', 'b'].map((name) => get(`/upload/${name}`));
    while (!gates.has('a') || !gates.has('b')) await soon();
    const third = await get('/upload/c');
    expect(third.status).toBe(429);
    expect(third.headers.get('retry-after')).toBe('1');
    expect(third.headers.get('ratelimit-policy')).toContain('"uploads";q=2;qu="concurrent-requests"');
    expect(await left('rest')).toBe(98);
    // A settle function that never answers must not keep its hold for ever.
    await get('/stuck');
    expect(await limiter.holds('stuck', 'somebody')).toHaveLength(1);
    // Longer than a lease, which is renewed.
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    expect(await limiter.holds('uploads', 'somebody')).toHaveLength(2);
    expect(await limiter.holds('stuck', 'somebody')).toEqual([]);
    expect(await left('stuck')).toBe(9);
    for (const name of ['a', 'b']) gates.get(name)!();
    gates.clear();
    await Promise.all(running);
    expect(await finallyLeft('uploads')).toBe(2);
  });
});

const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 2));

describe('likely mistakes', () => {
  /** What is logged while an application starts and answers these requests. */
  async function warned(controller: Type, ask: (get: App['get']) => Promise<unknown> = async () => undefined) {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    try {
      const { get } = await boot('express', {}, { controllers: [controller] });
      await ask(get);
      return warn.mock.calls.map(([message]) => String(message)).join('\n');
    } finally {
      warn.mockRestore();
    }
  }

  it('settle without an estimate, and with one of 0, is warned of at the start', async () => {
    @Controller()
    class Careless {
      @Get('none')
      @RateLimit({ name: 'none', limit: 1_000, window: '1m', settle: llmUsage() })
      none() {}

      @Get('zero')
      @RateLimit({ name: 'zero', limit: 1_000, window: '1m', cost: 0, settle: llmUsage() })
      zero() {}
    }
    const lines = await warned(Careless);
    expect(lines).toContain('Careless.none: the policy "none" (cost 1) has settle, but reserves next to nothing');
    expect(lines).toContain('Careless.zero: the policy "zero" (cost 0) has settle');
  });

  it('an answer without usage is warned of once', async () => {
    @Controller()
    class Forgetful {
      @Get()
      @RateLimit({ name: 'tokens', limit: 1_000, window: '1m', cost: 10, settle: llmUsage() })
      chat() {
        return { text: 'no usage here' };
      }
    }
    const lines = await warned(Forgetful, async (get) => {
      for (let i = 0; i < 3; i++) await (await get('/')).text();
      await soon();
    });
    expect(lines.match(/Forgetful\.chat: settle of the policy "tokens" found no usage/g)).toHaveLength(1);
  });

  it('a count function that returns no boolean counts the call, and is warned of', async () => {
    const returned: Record<string, unknown> = { async: Promise.resolve(undefined), sync: undefined, text: 'false' };
    @Controller()
    class Careless {
      @Get(':how')
      @RateLimit({
        limit: 1,
        window: '1m',
        key: (context) => context.switchToHttp().getRequest<{ params: { how: string } }>().params.how,
        count: ({ context }) =>
          returned[context.switchToHttp().getRequest<{ params: { how: string } }>().params.how] as boolean,
      })
      find() {}
    }
    const lines = await warned(Careless, async (get) => {
      for (const how of Object.keys(returned)) {
        expect((await get(`/${how}`)).status).toBe(200);
        await soon();
        expect((await get(`/${how}`)).status).toBe(429);
      }
    });
    expect(lines).toContain('count must return true or false');
  });

  it('what counts on one route does not depend on another one that spells out the same policy', async () => {
    @Controller('a')
    class A {
      @Get()
      @RateLimit({ name: 'same', limit: 1, window: '1m', count: 'failures' })
      ask() {}
    }
    @Controller('b')
    class B {
      @Get()
      @RateLimit({ name: 'same', limit: 1, window: '1m' })
      ask() {}
    }
    for (const controllers of [
      [A, B],
      [B, A],
    ]) {
      const { get } = await boot('express', {}, { controllers });
      await get('/a');
      await soon();
      expect([(await get('/b')).status, (await get('/b')).status]).toEqual([200, 429]);
      await closeApps();
    }
  });
});
