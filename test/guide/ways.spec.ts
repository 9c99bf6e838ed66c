import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { RATE_LIMIT_STORE, RateLimitGuard, RateLimitModule } from 'nestjs-redis-rate-limit';
import { AppModule, QUOTAS } from './app.module.js';
import { unlimited } from './unlimited.js';
import { soonAfter } from '../support/soon-after.js';

// What the guide says of each way to switch limits off.

/** The third answer: its status, and the field RateLimit. */
async function third(override: (builder: TestingModuleBuilder) => TestingModuleBuilder): Promise<unknown[]> {
  const builder = Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(QUOTAS)
    .useValue({});
  const app = (await override(builder).compile()).createNestApplication({ logger: false });
  try {
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/reports`;
    for (let n = 0; n < 2; n++) await fetch(url);
    const { status, headers } = await fetch(url);
    return [status, headers.get('ratelimit')];
  } finally {
    await app.close();
  }
}

const pass = { canActivate: () => true };

it('the third is denied as long as nothing is overridden', async () => {
  expect(await third((builder) => builder)).toEqual([429, soonAfter('"reports";r=0;t=60')]);
});

it('a store that admits everything leaves the header fields', async () => {
  const options = (builder: TestingModuleBuilder) => builder.overrideProvider(QUOTAS).useValue({ store: unlimited });
  const store = (builder: TestingModuleBuilder) => builder.overrideProvider(RATE_LIMIT_STORE).useValue(unlimited);
  expect(await third(options)).toEqual([200, '"reports";r=2']);
  expect(await third(store)).toEqual([200, '"reports";r=2']);
});

it('enabled: false takes the header fields away too', async () => {
  const options = (builder: TestingModuleBuilder) => builder.overrideProvider(QUOTAS).useValue({ enabled: false });
  expect(await third(options)).toEqual([200, null]);
});

it('a guard of another kind takes the header fields away too', async () => {
  expect(await third((builder) => builder.overrideProvider(RateLimitGuard).useValue(pass))).toEqual([200, null]);
  expect(await third((builder) => builder.overrideGuard(RateLimitGuard).useValue(pass))).toEqual([200, null]);
});

it('policies of the catalogue can be made large', async () => {
  const policies = { reports: { limit: 1_000_000, window: '1m' as const } };
  expect(await third((builder) => builder.overrideProvider(QUOTAS).useValue({ policies }))).toEqual([
    200,
    expect.stringMatching(/^"reports";r=999997;/),
  ]);
});

it('overrideModule by the class changes nothing', async () => {
  class Nothing {}
  expect((await third((builder) => builder.overrideModule(RateLimitModule).useModule(Nothing)))[0]).toBe(429);
});
