import { RedisStore, RateLimitError, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import type { BlockFor } from '../../libs/rate-limit/src/core/blocks/block-rule.js';
import type { Duration } from '../../libs/rate-limit/src/core/duration.js';
import { oneLine } from '../../libs/rate-limit/src/core/shown.js';
import { definePolicy, shareOf, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { sfInteger } from '../../libs/rate-limit/src/headers/structured-fields.js';
import { keySettings } from '../../libs/rate-limit/src/nest/keys/key-settings.js';
import { overrideKeyOf } from '../../libs/rate-limit/src/engine/limits/limit-change.js';
import { checkOptions } from '../../libs/rate-limit/src/nest/check-options.js';
import { ruleOf } from '../../libs/rate-limit/src/nest/plan/rule.js';
import { keptKey } from '../../libs/rate-limit/src/stores/long-key.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import { closeClients, connectTo } from '../support/clients.js';

/** Where an error names a bound, both of its sides, and values between that are not round. */
interface Bound<T> {
  readonly code: string;
  readonly takes: readonly T[];
  readonly refuses: readonly T[];
  readonly use: (value: T) => unknown;
}

const bounded = <T>(sentence: string, { code, takes, refuses, use }: Bound<T>) =>
  it(sentence, () => {
    const outcome = (value: T) => {
      try {
        use(value);
        return 'taken';
      } catch (error) {
        return error instanceof RateLimitError ? error.code : error;
      }
    };
    expect(takes.map((value) => [value, outcome(value)])).toEqual(takes.map((value) => [value, 'taken']));
    expect(refuses.map((value) => [value, outcome(value)])).toEqual(refuses.map((value) => [value, code]));
  });

const text = (length: number) => 'n'.repeat(length);
const policy = (more: Partial<PolicyDefinition>) => definePolicy({ name: 'p', limit: 5, window: '1h', ...more });
const THOUSAND_YEARS = 31_536_000_000_000;

describe('a policy', () => {
  bounded<string>('has a name of 1 to 128 characters', {
    code: 'RL_NAME_INVALID',
    takes: [1, 2, 57, 127, 128].map(text),
    refuses: [0, 129, 130, 1_000].map(text),
    use: (name) => policy({ name }),
  });

  bounded<string>('has a name of printable ASCII, the first character no @', {
    code: 'RL_NAME_INVALID',
    takes: [' ', '~', 'a@', '!'],
    refuses: ['\u001f', '\u007f', '\u0080', '@', '@a', 'a\n', '\na'],
    use: (name) => policy({ name }),
  });

  bounded<number>('has a limit from 0 to the largest number of a header field', {
    code: 'RL_LIMIT_INVALID',
    takes: [0, 1, 57, 999_999_999_999_998, 999_999_999_999_999],
    refuses: [-1, 0.5, 1_000_000_000_000_000],
    use: (limit) => policy({ limit }),
  });

  bounded<number>('has a burst from 1 to the largest limit', {
    code: 'RL_BURST_INVALID',
    takes: [1, 2, 57, 999_999_999_999_998, 999_999_999_999_999],
    refuses: [0, -1, 1.5, 1_000_000_000_000_000],
    use: (burst) => policy({ algorithm: 'gcra', burst, window: 1 }),
  });

  // 2^53 - 1 is 20,394,401 × 441,650,591.
  describe.each(['sliding-window', 'token-bucket'] as const)('that counts in units times ms, by %s', (algorithm) => {
    bounded<[number, number]>('stays below 2^53 of them', {
      code: 'RL_PRECISION',
      takes: [
        [441_650_591, 20_394_401],
        [2 ** 33 - 1, 2 ** 20],
        [2 ** 20, 2 ** 33 - 1],
        [1, THOUSAND_YEARS],
        [285, THOUSAND_YEARS],
      ],
      refuses: [
        [441_650_592, 20_394_401],
        [441_650_591, 20_394_402],
        [2 ** 33, 2 ** 20],
        [286, THOUSAND_YEARS],
      ],
      use: ([limit, window]) => policy({ algorithm, limit, window }),
    });
  });

  it('that counts units is not bound by them', () => {
    for (const algorithm of ['fixed-window', 'sliding-log'] as const) {
      expect(policy({ algorithm, limit: 999_999_999_999_999, window: THOUSAND_YEARS }).limit).toBe(999_999_999_999_999);
    }
  });

  bounded<PolicyDefinition['window']>('has a window from 1 ms to a thousand years', {
    code: 'RL_WINDOW_INVALID',
    takes: [1, '1ms', 57, THOUSAND_YEARS - 1, THOUSAND_YEARS, '365000d', '8760000h', '31536000000000ms'],
    refuses: [0, '0ms', -1, 0.5, THOUSAND_YEARS + 1, '365001d', '8760001h', '31536000000001ms'],
    use: (window) => policy({ window }),
  });

  bounded<number>('blocks with 1 to 20 spans', {
    code: 'RL_BLOCK_INVALID',
    takes: [1, 2, 7, 19, 20],
    refuses: [0, 21, 22, 100],
    use: (spans) => policy({ blockFor: Array.from({ length: spans }, (_, i) => i + 1) }),
  });

  bounded<BlockFor>('blocks for a thousand years at most', {
    code: 'RL_BLOCK_INVALID',
    takes: [0, 1, 57, THOUSAND_YEARS, [1, THOUSAND_YEARS], { spans: [1, 2], forgetAfter: THOUSAND_YEARS }],
    refuses: [-1, THOUSAND_YEARS + 1, [1, 0], [0, 1], [0, 0], { spans: [1, 2], forgetAfter: THOUSAND_YEARS + 1 }],
    use: (blockFor) => policy({ blockFor }),
  });

  bounded<number>('cannot be put to a use that costs more than its burst', {
    code: 'RL_COST_NEVER_PASSES',
    takes: [0, 1, 56, 57],
    refuses: [58, 59],
    use: (cost) => ruleOf({ name: 'p', limit: 3, window: '1h', algorithm: 'token-bucket', burst: 57, cost }),
  });

  it('is shared in whole units, of some at least one', () => {
    const share = (limit: number, instances: number) => shareOf(policy({ limit }), instances).limit;
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((limit) => share(limit, 3))).toEqual([0, 1, 1, 1, 1, 1, 2, 2]);
  });
});

afterAll(closeClients);

describe('an option', () => {
  const module = (name: keyof RateLimitModuleOptions) => (value: unknown) => checkOptions({ [name]: value });
  const timeouts = { code: 'RL_TIMEOUT_INVALID', takes: [1, 2, 57, 59_999, 60_000], refuses: [0, -1, 1.5, 60_001] };
  const client = connectTo('redis://127.0.0.1', { lazyConnect: true });

  bounded<number>('timeout is 1 to 60,000 ms', { ...timeouts, use: module('timeout') });

  bounded<number>('timeout of a RedisStore is the same', {
    ...timeouts,
    use: (timeout) => new RedisStore(client, { timeout }),
  });

  bounded<number>('resolveTimeout is the same', {
    ...timeouts,
    use: (resolveTimeout) => ruleOf({ limit: 5, window: '1h', resolve: () => null, resolveTimeout }),
  });

  bounded<number>('resolveCache.max is at least 1', {
    code: 'RL_OPTION_INVALID',
    takes: [1, 2, 57],
    refuses: [0, -1, 1.5],
    use: (max) =>
      ruleOf({ limit: 5, window: '1h', resolve: () => null, resolveCache: { by: () => 'k', for: '1s', max } }),
  });

  // 60 in options is meant in seconds more often than not.
  bounded<Duration>('window in options is at least 1000 without a unit', {
    code: 'RL_WINDOW_INVALID',
    takes: ['1ms', '60ms', '999ms', 1_000, THOUSAND_YEARS],
    refuses: [1, 60, 999],
    use: (window) => ruleOf({ limit: 5, window }),
  });

  bounded<BlockFor>('blockFor in options is at least 1000 without a unit, or 0', {
    code: 'RL_BLOCK_INVALID',
    takes: [0, '60ms', 1_000, [1_000, '2ms'], { spans: '60ms', forgetAfter: 0 }],
    refuses: [1, 60, 999, ['1s', 60], { spans: 60 }, { spans: ['1s', '2s'], forgetAfter: 60 }],
    use: (blockFor) => ruleOf({ limit: 5, window: '1m', blockFor }),
  });

  bounded<Duration>('resolveCache.for is at least 1 ms, and 1000 without a unit', {
    code: 'RL_OPTION_INVALID',
    takes: ['1ms', '57ms', 1_000, THOUSAND_YEARS],
    refuses: [0, -1, 0.5, 1, 60, 999, THOUSAND_YEARS + 1],
    use: (span) => ruleOf({ limit: 5, window: '1h', resolve: () => null, resolveCache: { by: () => 'k', for: span } }),
  });

  bounded<number | string>('denialCache is 1 ms to a minute', {
    code: 'RL_DENIAL_CACHE_INVALID',
    takes: [1, 57, 59_999, 60_000, '60s', '1m'],
    refuses: [0, 0.5, 60_001, '61s', '2m'],
    use: module('denialCache'),
  });

  bounded<number | string>('liveLimits is 100 ms to a minute', {
    code: 'RL_LIVE_LIMITS_INVALID',
    takes: [100, '100ms', 101, 157, 59_999, 60_000, '1m'],
    refuses: [99, '99ms', 1, 60_001, '61s'],
    use: module('liveLimits'),
  });

  bounded<number>('instances is at least 1', {
    code: 'RL_INSTANCES_INVALID',
    takes: [1, 2, 57],
    refuses: [0, -1, 1.5],
    use: module('instances'),
  });

  bounded<number>('keys.ipv6Prefix is 32 to 128 bits', {
    code: 'RL_KEYS_INVALID',
    takes: [32, 33, 57, 64, 127, 128],
    refuses: [0, 31, 129, 57.5],
    use: (ipv6Prefix) => keySettings({ ipv6Prefix }, () => {}),
  });

  bounded<number>('maxKeys is at least 1', {
    code: 'RL_MAX_KEYS_INVALID',
    takes: [1, 2, 57],
    refuses: [0, -1, 1.5],
    use: (maxKeys) => new MemoryStore({ maxKeys }),
  });
});

describe('text', () => {
  bounded<string>('of the key of an override is of 1,024 characters at most', {
    code: 'RL_KEY_INVALID',
    takes: [0, 1, 57, 1_023, 1_024].map(text),
    refuses: [1_025, 1_026].map(text),
    use: overrideKeyOf,
  });

  it('of a key is kept in memory up to 128 characters, and above as a digest', () => {
    for (const length of [0, 1, 57, 127, 128]) expect(keptKey(text(length))).toBe(text(length));
    for (const length of [129, 130, 1_000]) expect(keptKey(text(length))).toMatch(/^#[\w-]{43} {85}$/);
  });

  it('is shown in a message up to 80 characters, and above cut to as many', () => {
    for (const length of [0, 57, 79, 80]) expect(oneLine(text(length))).toBe(text(length));
    for (const length of [81, 82, 1_000]) expect(oneLine(text(length))).toBe(`${text(79)}…`);
  });

  it('of a number in a header field has 15 digits at most', () => {
    expect([0, 57, 999_999_999_999_998, 999_999_999_999_999, 1_000_000_000_000_000].map(sfInteger)).toEqual([
      '0',
      '57',
      '999999999999998',
      '999999999999999',
      '999999999999999',
    ]);
  });
});
