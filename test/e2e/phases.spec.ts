import {
  Controller,
  Get,
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { setImmediate as soon } from 'node:timers/promises';
import { byIp, byUser, RateLimit, RateLimiter, RateLimitGuard } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { soonAfter } from '../support/soon-after.js';

interface WithUser {
  headers: Record<string, string | undefined>;
  user?: { sub: string };
}

/** Stands for a JwtGuard: knows the user by a header, and refuses a request without one. */
@Injectable()
class JwtGuard implements CanActivate {
  static asked = 0;

  canActivate(context: ExecutionContext): boolean {
    JwtGuard.asked++;
    const request = context.switchToHttp().getRequest<WithUser>();
    const sub = request.headers['authorization'];
    if (!sub) throw new UnauthorizedException();
    request.user = { sub };
    return true;
  }
}

@Controller()
@UseGuards(JwtGuard)
class AccountController {
  @Get('account')
  @RateLimit({ name: 'user', limit: 2, window: '1h', key: byUser }, { name: 'address', limit: 5, window: '1h' })
  account() {
    return 'ok';
  }

  @Get('early')
  @RateLimit({ name: 'flood', limit: 2, window: '1h', key: byIp })
  early() {
    return 'ok';
  }
}

@Controller('method')
class MethodController {
  @Get()
  @UseGuards(JwtGuard)
  @RateLimit({ name: 'method', limit: 1, window: '1h', key: byUser })
  one() {
    return 'ok';
  }
}

const controllers = [AccountController, MethodController];
const as = (user: string) => ({ authorization: user });

beforeEach(() => void (JwtGuard.asked = 0));
afterEach(closeApps);

describe.each(adapters)('two phases on %s', (adapter) => {
  it('byUser works with an ordinary guard on the controller, or on the method', async () => {
    const { get } = await boot(adapter, {}, { controllers });
    for (const user of ['ann', 'bob']) {
      expect((await get('/account', as(user))).status).toBe(200);
      expect((await get('/method', as(user))).status).toBe(200);
      expect((await get('/method', as(user))).status).toBe(429);
    }
    expect((await get('/account', as('ann'))).status).toBe(200);
    const denied = await get('/account', as('ann'));
    expect(denied.status).toBe(429);
    expect(await denied.json()).toMatchObject({ 'violated-policies': ['user'] });
  });

  it('answers show both phases, and name the policies in one order', async () => {
    const { get } = await boot(adapter, {}, { controllers });
    const { headers } = await get('/account', as('ann'));
    expect(headers.get('ratelimit-policy')).toBe('"user";q=2;w=3600, "address";q=5;w=3600');
    expect(headers.get('ratelimit')).toEqual(soonAfter('"address";r=4;t=3600, "user";r=1;t=3600'));
  });

  it('a late denial leaves the early charges, an early one charges nothing late', async () => {
    const { get } = await boot(adapter, {}, { controllers });
    const left = async () => (await get('/account', as('ann'))).headers.get('ratelimit')!;
    expect([await left(), await left(), await left()].map((field) => field.replace(/;t=\d+/g, ''))).toEqual([
      '"address";r=4, "user";r=1',
      '"address";r=3, "user";r=0',
      '"address";r=2, "user";r=0',
    ]);
    for (let i = 0; i < 2; i++) await left();
    // The address is spent now: bob is refused before his own quota is touched, and before anybody asks who he is.
    const asked = JwtGuard.asked;
    const denied = await get('/account', as('bob'));
    expect([denied.status, denied.headers.get('ratelimit')]).toEqual([
      429,
      expect.stringMatching(/^"address";r=0;t=\d+$/),
    ]);
    expect(JwtGuard.asked).toBe(asked);
  });

  it('Retry-After of a late denial counts what the request itself has spent early', async () => {
    @Controller()
    @UseGuards(JwtGuard)
    class BothController {
      @Get('both')
      @RateLimit({ name: 'address', limit: 2, window: '1h' }, { name: 'user', limit: 1, window: '2s', key: byUser })
      both() {}

      @Get('dear')
      @RateLimit(
        { name: 'tokens', limit: 10, window: '1h', cost: 4, algorithm: 'token-bucket' },
        { name: 'user', key: byUser },
      )
      dear() {}
    }
    const { get } = await boot(adapter, {}, { controllers: [BothController] });
    const waits = async (path: string) => (await get(path, as('ann'))).headers.get('retry-after');
    expect(await waits('/both')).toBeNull();
    // The user's quota is back in 2 s, the address' is spent for the hour by this very request.
    expect(Number(await waits('/both'))).toBeGreaterThan(3_500);
    expect(Number(await waits('/dear'))).toBeLessThanOrEqual(2);
    expect(Number(await waits('/dear'))).toBeGreaterThan(600);
  });

  it('a flood of bad logins is counted before the guard that refuses them, even a global one', async () => {
    const providers = [{ provide: APP_GUARD, useClass: JwtGuard }];
    const { get } = await boot(adapter, {}, { controllers, providers });
    const answers = [await get('/early'), await get('/early'), await get('/early')];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 429]);
    expect(JwtGuard.asked).toBe(2);
  });

  it('two applications of one process share controllers, not guards', async () => {
    const first = await boot(adapter, {}, { controllers });
    const second = await boot(adapter, {}, { controllers });
    // Where a class of the controller's module waits for the limiter, Nest makes that module's guards later.
    const slow = { provide: 'slow', inject: [RateLimiter], useFactory: () => soon() };
    const third = await boot(adapter, {}, { controllers, providers: [slow] });
    for (const { get } of [first, second, third]) {
      expect((await get('/method', as('ann'))).status).toBe(200);
      expect((await get('/method', as('ann'))).status).toBe(429);
    }
  });

  it('a handler without a late policy has no guard of that phase', async () => {
    const { get } = await boot(adapter, {}, { controllers });
    await get('/early', as('ann'));
    const guards = (handler: object) => (Reflect.getMetadata('__guards__', handler) as unknown[] | undefined) ?? [];
    expect(guards(AccountController.prototype.early)).toHaveLength(0);
    expect(guards(AccountController.prototype.account)).toHaveLength(1);
  });

  it('with guard: false nothing is limited but where RateLimitGuard is bound, which decides all at once', async () => {
    @Controller()
    class OwnController {
      @Get('bound')
      @UseGuards(JwtGuard, RateLimitGuard)
      @RateLimit({ name: 'user', limit: 1, window: '1h', key: byUser }, { name: 'address', limit: 5, window: '1h' })
      bound() {}

      @Get('unbound')
      @RateLimit({ limit: 1, window: '1h' })
      unbound() {}
    }
    const { get } = await boot(adapter, { guard: false }, { controllers: [OwnController] });
    expect((await get('/bound', as('ann'))).headers.get('ratelimit')).toEqual(
      soonAfter('"user";r=0;t=3600, "address";r=4;t=3600'),
    );
    const denied = await get('/bound', as('ann'));
    // One phase: all or none.
    expect([denied.status, denied.headers.get('ratelimit')?.replace(/;t=\d+/g, '')]).toEqual([
      429,
      '"user";r=0, "address";r=4',
    ]);
    for (let i = 0; i < 3; i++) expect((await get('/unbound')).status).toBe(200);
  });
});
