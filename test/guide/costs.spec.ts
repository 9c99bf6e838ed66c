import { ConsoleLogger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RateLimiter, RateLimitModule } from 'nestjs-redis-rate-limit';
import { Answers } from '../../docs/examples/answers.js';

// What docs/costs.md says of costs that are known only at the end.

async function opened(): Promise<{ answers: Answers; limiter: RateLimiter; close(): Promise<void> }> {
  const app = await Test.createTestingModule({
    imports: [RateLimitModule.forRoot({ policies: { tokens: { limit: 10_000, window: '1h' } } })],
    providers: [Answers],
  })
    .setLogger(new ConsoleLogger({ logLevels: [] }))
    .compile();
  return { answers: app.get(Answers), limiter: app.get(RateLimiter), close: () => app.close() };
}

it('charging the most never admits more than the quota, and gives back what was not spent', async () => {
  const { answers, limiter, close } = await opened();
  const ask = async () => ({ text: 'yes', tokens: 1_000 });
  const ended = await Promise.allSettled([1, 2, 3].map(() => answers.answer('42', ask)));
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect((await limiter.peek('tokens', 'user:42')).remaining).toBe(8_000);
  const broken = answers.answer('42', () => Promise.reject(new Error('the model is away')));
  await expect(broken).rejects.toThrow('the model is away');
  expect((await limiter.peek('tokens', 'user:42')).remaining).toBe(8_000);
  await close();
});

it('looking first admits all that look before the first charge, and the last charge may cost nothing', async () => {
  const { limiter, close } = await opened();
  const looks = await Promise.all([1, 2, 3].map(() => limiter.consume('tokens', 'user:42', { cost: 0 })));
  expect(looks.every(({ allowed, remaining }) => allowed && remaining === 10_000)).toBe(true);
  const charges = [];
  for (let n = 0; n < 3; n++) charges.push(await limiter.consume('tokens', 'user:42', { cost: 4_000 }));
  expect(charges.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
    [true, 6_000],
    [true, 2_000],
    [false, 2_000],
  ]);
  await close();
});
