import { Body, Controller, Get, Post, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { byAll, byIp, RateLimit, SkipRateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';
import { statuses } from './side-by-side.js';

// What docs/migrating tells to write instead.

afterEach(closeApps);

@Controller()
class CatsController {
  @Get('cats')
  cats() {}

  @Get('dogs')
  dogs() {}

  @Get('birds')
  @SkipRateLimit('default')
  @RateLimit({ limit: 3, window: '1m' })
  birds() {}
}

const byHandler = (context: ExecutionContext) => `${context.getClass().name}.${context.getHandler().name}`;

describe.each(adapters)('on %s', (adapter) => {
  it('a default policy with a name is one quota of a client for all handlers', async () => {
    const policies = { default: { limit: 2, window: '1m' } } as const;
    const app = await boot(adapter, { policies, default: ['default'] }, { controllers: [CatsController] });
    expect(await statuses(2, () => app.get('/cats'))).toEqual([200, 200]);
    expect(await statuses(1, () => app.get('/dogs'))).toEqual([429]);
  });

  it('without a name, or with the handler in its key, it is one for each handler, as the throttler’s', async () => {
    const policies = { default: { limit: 2, window: '1m', key: byAll(byIp, byHandler) } } as const;
    class Cats {
      cats() {}
      dogs() {}
    }
    for (const name of ['cats', 'dogs'] as const) {
      Get(name)(Cats.prototype, name, { value: Cats.prototype[name] });
    }
    Controller()(Cats);
    const apps = [
      await boot(adapter, { default: [{ limit: 2, window: '1m' }] }, { controllers: [Cats] }),
      await boot(adapter, { policies, default: ['default'] }, { controllers: [CatsController] }),
    ];
    for (const app of apps) {
      expect(await statuses(3, () => app.get('/cats'))).toEqual([200, 200, 429]);
      expect(await statuses(3, () => app.get('/dogs'))).toEqual([200, 200, 429]);
    }
  });

  it('a handler’s own limit takes the place of one that is skipped', async () => {
    const policies = { default: { limit: 2, window: '1m' } } as const;
    const app = await boot(adapter, { policies, default: ['default'] }, { controllers: [CatsController] });
    expect(await statuses(4, () => app.get('/birds'))).toEqual([200, 200, 200, 429]);
    expect(await statuses(2, () => app.get('/cats'))).toEqual([200, 200]);
  });

  it('with count: failures only failures count', async () => {
    @Controller()
    class LoginController {
      @Post('login')
      @RateLimit('login')
      login(@Body() { password }: { password: string }) {
        if (password !== 'right') throw new UnauthorizedException();
      }
    }
    const policies = { login: { limit: 2, window: '15m', count: 'failures' } } as const;
    const app = await boot(adapter, { policies }, { controllers: [LoginController] });
    const logIn = (password: string) => () =>
      fetch(`${app.url}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ password }),
      });
    expect(await statuses(5, logIn('right'))).toEqual([201, 201, 201, 201, 201]);
    expect(await statuses(1, logIn('wrong'))).toEqual([401]);
    expect(await statuses(3, logIn('right'))).toEqual([201, 201, 201]);
    expect(await statuses(2, logIn('wrong'))).toEqual([401, 429]);
    expect(await statuses(1, logIn('right'))).toEqual([429]);
  });
});
