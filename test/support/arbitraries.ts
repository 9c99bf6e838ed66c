import fc from 'fast-check';
import type { CalendarDefinition } from '../../libs/rate-limit/src/core/calendar/calendar-window.js';
import { algorithmNames } from '../../libs/rate-limit/src/core/algorithms/index.js';
import type { BlockFor } from '../../libs/rate-limit/src/core/blocks/block-rule.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';

/** Blocks of the size of small windows; one that does nothing by itself among them. */
export const blocks: fc.Arbitrary<BlockFor> = fc.oneof(
  fc.nat(60),
  fc.record(
    {
      spans: fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 3 }),
      extend: fc.boolean(),
      forgetAfter: fc.nat(60),
    },
    { requiredKeys: ['spans'] },
  ),
);

/** Calendar windows; those of a unit share their quotas, whatever zone and anchor they have. */
export const calendars: fc.Arbitrary<CalendarDefinition> = fc
  .record({
    calendar: fc.constantFrom('minute', 'hour', 'day', 'week', 'month', 'year'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Kiritimati'),
    anchor: fc.constantFrom(undefined, '2024-02-29', '2026-01-31T09:30:15'),
  })
  .map((definition): CalendarDefinition => definition as CalendarDefinition);

/** Policies small enough that random timelines meet their edges, and a few that are large. */
export const policies: fc.Arbitrary<Policy> = fc
  .record({
    algorithm: fc.constantFrom(...algorithmNames),
    limit: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 12 }) },
      fc.integer({ min: 8_188, max: 8_194 }),
      fc.integer({ min: 0, max: 1_000_000 }),
    ),
    window: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 50 }) },
      fc.integer({ min: 1, max: 86_400_000 }),
    ),
    burst: fc.integer({ min: 1, max: 12 }),
    name: fc.constantFrom('a', 'b', 'c'),
    blockFor: fc.option(blocks, { nil: undefined }),
    calendar: fc.option(calendars, { freq: 2, nil: undefined }),
  })
  .map(({ algorithm, burst, window, calendar, ...rest }) => {
    const bursts = algorithm === 'token-bucket' || algorithm === 'gcra';
    const isCalendar = algorithm === 'fixed-window' && calendar !== undefined;
    return defined({ algorithm, ...rest, window: isCalendar ? calendar : window, ...(bursts ? { burst } : {}) });
  });

const definitions = new WeakMap<Policy, PolicyDefinition>();

function defined(definition: PolicyDefinition): Policy {
  const policy = definePolicy(definition);
  definitions.set(policy, definition);
  return policy;
}

/** One of these policies with another limit, and without a burst of its own. */
export const withLimit = (policy: Policy, limit: number): Policy =>
  defined({ ...definitions.get(policy)!, limit, burst: undefined });

/** The same policy with a lease of its own: its denials consider what others hold. */
export const withLease = (policy: Policy): Policy => defined({ ...definitions.get(policy)!, lease: '10s' });

/** The same policy in shadow. */
export const shadowOf = (policy: Policy): Policy => defined({ ...definitions.get(policy)!, mode: 'shadow' });

/** Mostly what applications spend; also looks, give-backs, and what can never pass. */
export const costs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 2, arbitrary: fc.integer({ min: -4, max: 0 }) },
  fc.constantFrom(13, 8_190, 1_000_001, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER),
);

/** How far the clock moves before a request, in windows: standing, forth, at times back, seldom by a jump. */
export const steps = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.double({ min: 0, max: 1.2, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: -0.9, max: 0, noNaN: true }) },
  fc.constantFrom(-3, -1, 1, 2, 2.5, 1_000, -1_000),
);
