import { PolicyVariants } from '../../libs/rate-limit/src/engine/policy-variants.js';

it('10,000 variants are kept, of all handlers together', () => {
  const ofHandler = (handler: number) =>
    new PolicyVariants({ name: 'monthly', limit: 5, window: 'month' }, `${handler}`);
  const [first, ...others] = [1, 2, 3, 4].map(ofHandler);
  const anchored = (variants: PolicyVariants, day: number) =>
    variants.with({ limit: day, window: { calendar: 'month', anchor: 1 + (day % 31) } });
  const known = anchored(first!, 1);
  expect(anchored(first!, 1)).toBe(known);
  for (const variants of others) for (let i = 1; i <= 3_333; i++) anchored(variants, i);
  expect(anchored(first!, 1)).toBe(known);
  anchored(others[0]!, 10_000);
  expect(anchored(first!, 1)).not.toBe(known);
});
