import { jest } from '@jest/globals';
import { Controller, Get, type HttpException } from '@nestjs/common';
import { MemoryStore, RateLimit, RateLimitGuard, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';

afterEach(closeApps);
afterEach(() => jest.restoreAllMocks());

@Controller()
class ThingsController {
  @Get('things')
  @RateLimit({ name: 'one', limit: 1, window: '1h' })
  things() {}
}

/** What the guard gave Nest for two requests: the value, or the status that it threw. A promise is not awaited. */
async function given(adapter: (typeof adapters)[number], options: RateLimitModuleOptions) {
  const app = await boot(adapter, options, { controllers: [ThingsController] });
  const guard = jest.spyOn(RateLimitGuard.prototype, 'canActivate');
  const statuses = [(await app.get('/things')).status, (await app.get('/things')).status];
  expect(statuses).toEqual([200, 429]);
  return guard.mock.results.map(({ type, value }) =>
    type === 'throw' ? (value as HttpException).getStatus() : (value as boolean | Promise<boolean>),
  );
}

describe.each(adapters)('on %s the guard', (adapter) => {
  it('lets through and denies without a promise if the store answers without one', async () => {
    expect(await given(adapter, { observer: { decided: () => {} } })).toEqual([true, 429]);
  });

  it('answers with promises if the store does', async () => {
    const memory = new MemoryStore();
    const store = {
      consume: async (...hits: Parameters<MemoryStore['consume']>) => memory.consume(...hits),
      reset: memory.reset.bind(memory),
    };
    expect(await given(adapter, { store })).toEqual([expect.any(Promise), expect.any(Promise)]);
  });
});
