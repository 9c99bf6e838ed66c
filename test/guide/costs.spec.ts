import { ConsoleLogger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RateLimiter, RateLimitExceededException, RateLimitModule } from 'nestjs-redis-rate-limit';
import { Answers } from '../../docs/examples/answers.js';

// What docs/costs.md and docs/holds.md say of costs that are known only at the end.

async function opened(): Promise<{ answers: Answers; limiter: RateLimiter; close(): Promise<void> }> {
  const app = await Test.createTestingModule({
    imports: [RateLimitModule.forRoot({ policies: { tokens: { limit: 10_000, window: '1h' } } })],
    providers: [Answers],
  })
    .setLogger(new ConsoleLogger({ logLevels: [] }))
    .compile();
  return { answers: app.get(Answers), limiter: app.get(RateLimiter), close: () => app.close() };
}

it('a reservation gives back what was not spent, counts what was spent above it, and stays if the work fails', async () => {
  const { answers, limiter, close } = await opened();
  const left = async () => (await limiter.peek('tokens', 'user:42')).remaining;
  const asking = (tokens: number) => answers.answer('42', async () => ({ text: 'yes', tokens }));
  const ended = await Promise.allSettled([1, 2, 3].map(() => asking(1_000)));
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(await left()).toBe(8_000);
  const broken = answers.answer('42', () => Promise.reject(new Error('the model is away')));
  await expect(broken).rejects.toThrow('the model is away');
  expect(await left()).toBe(4_000);
  expect(await asking(5_000)).toBe('yes');
  expect(await left()).toBe(0);
  await expect(asking(1)).rejects.toThrow(RateLimitExceededException);
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
