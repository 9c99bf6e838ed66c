import { jest } from '@jest/globals';
import type { BlockFor } from '../../libs/rate-limit/src/core/blocks/block-rule.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy, type Policy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { documentedAnswers } from '../../libs/rate-limit/src/nest/openapi/documented-answers.js';
import { DenialCacheStore } from '../../libs/rate-limit/src/stores/denials/denial-cache.store.js';
import { FailurePolicyStore } from '../../libs/rate-limit/src/stores/failure/failure-policy.store.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const BEGUN = 1_800_000_000_000;

/** At a moment, in ms from the beginning: what is spent, and what the answer must be. */
type Moment = [
  at: number,
  cost: number,
  allowed: boolean,
  remaining: number,
  retryAfter: number,
  resetAfter: number,
  blockedFor?: number,
];

async function timeline(policy: Policy, moments: readonly Moment[]): Promise<void> {
  let now = BEGUN;
  const store = new MemoryStore({ now: () => now });
  for (const [at, cost, ...expected] of moments) {
    now = BEGUN + at;
    const [decision] = store.consume([{ policy, key: 'k', cost }]);
    const { allowed, remaining, retryAfter, resetAfter, blockedFor } = decision!;
    const told = [allowed, remaining, retryAfter, resetAfter, ...(blockedFor === undefined ? [] : [blockedFor])];
    expect([at, cost, ...told]).toEqual([at, cost, ...expected]);
  }
}

const policy = (blockFor: BlockFor, more: Partial<PolicyDefinition> = {}): Policy =>
  definePolicy({ name: 'p', limit: 2, window: '10s', blockFor, ...more });

describe('2 in 10 s, blocked for 1 m', () => {
  it('the window resets meanwhile, and who went over is denied all the same, until the block ends', () =>
    timeline(policy('1m'), [
      [0, 1, true, 1, 0, 10_000],
      [4_000, 1, true, 0, 0, 6_000],
      [5_000, 1, false, 0, MINUTE, MINUTE, MINUTE],
      [10_000, 1, false, 0, 55_000, 55_000, 55_000],
      [12_000, 0, true, 0, 0, 53_000, 53_000],
      [64_999, 1, false, 0, 1, 1, 1],
      [65_000, 1, true, 1, 0, 10_000],
    ]));

  it('a cost that is more than is left goes over too, and takes nothing of it', () =>
    timeline(policy('1m'), [
      [0, 1, true, 1, 0, 10_000],
      [1_000, 2, false, 0, MINUTE, MINUTE, MINUTE],
      [61_000, 2, true, 0, 0, 10_000],
    ]));

  it('a cost that can never pass is told so, before a block and under one', () =>
    timeline(policy('1m'), [
      [0, 3, false, 2, -1, 0],
      [0, 2, true, 0, 0, 10_000],
      [0, 1, false, 0, MINUTE, MINUTE, MINUTE],
      [0, 3, false, 0, -1, MINUTE, MINUTE],
    ]));
});

describe('2 in 1 m, blocked for 10 s', () => {
  const rule = policy('10s', { window: '1m' });

  it('waits for the later of the block and the quota', () =>
    timeline(rule, [
      [0, 2, true, 0, 0, MINUTE],
      [20_000, 1, false, 0, 40_000, 40_000, 10_000],
      [29_999, 1, false, 0, 30_001, 30_001, 1],
      [60_000, 1, true, 1, 0, MINUTE],
    ]));

  it('who comes back before the quota does goes over again', () =>
    timeline(rule, [
      [0, 2, true, 0, 0, MINUTE],
      [0, 1, false, 0, MINUTE, MINUTE, 10_000],
      [10_000, 1, false, 0, 50_000, 50_000, 10_000],
      [55_000, 1, false, 0, 10_000, 10_000, 10_000],
      [60_000, 1, false, 0, 5_000, 5_000, 5_000],
      [65_000, 1, true, 1, 0, MINUTE],
    ]));
});

describe('1 in 1 s, blocked for 1 m, then 10 m, then 1 h', () => {
  const rule = policy(['1m', '10m', '1h'], { limit: 1, window: '1s' });
  const over = (at: number, block: number): Moment[] => [
    [at, 1, true, 0, 0, SECOND],
    [at, 1, false, 0, block, block, block],
  ];

  it('escalates up to the last, and forgets an hour after a block', () =>
    timeline(rule, [
      ...over(0, MINUTE),
      ...over(MINUTE, 10 * MINUTE),
      ...over(20 * MINUTE, 60 * MINUTE),
      ...over(140 * MINUTE - 1, 60 * MINUTE),
      ...over(260 * MINUTE - 1, MINUTE),
    ]));

  it('a clock that was set back frees nothing, and one that had jumped blocks for the span alone', () =>
    timeline(rule, [
      ...over(MINUTE, MINUTE),
      [MINUTE - 5_000, 1, false, 0, MINUTE + 5_000, MINUTE + 5_000, MINUTE + 5_000],
      [-MINUTE, 1, false, 0, MINUTE, MINUTE, MINUTE],
      [-1, 1, false, 0, 1, 1, 1],
      [0, 1, true, 0, 0, SECOND],
    ]));
});

describe('spans below a second', () => {
  it.each([1, 7, 999] as const)('%i ms are exact', (span) =>
    timeline(policy(span, { window: 1 }), [
      [0, 2, true, 0, 0, 1],
      [0, 1, false, 0, span, span, span],
      [span - 1, 0, true, 0, 0, 1, 1],
      [span, 2, true, 0, 0, 1],
    ]),
  );

  it.each([0, '0s', '0ms'] as BlockFor[])('%p blocks nobody', (blockFor) =>
    timeline(policy(blockFor), [
      [0, 2, true, 0, 0, 10_000],
      [0, 1, false, 0, 10_000, 10_000],
      [10_000, 1, true, 1, 0, 10_000],
    ]),
  );
});

describe('blockFor that is none ends the start and names the value and the fix', () => {
  it.each<[unknown, string]>([
    [
      -1,
      "RL_BLOCK_INVALID: a block's span must be like '500ms', '10s', '15m', '2h' or '1d', at most '365000d', or a whole number of ms, got -1",
    ],
    ['15 minutes', 'got "15 minutes"'],
    [1.5, 'got 1.5'],
    ['365001d', "at most '365000d'"],
    [null, 'RL_BLOCK_INVALID'],
    [[], 'RL_BLOCK_INVALID: blockFor takes 1 to 20 spans, each longer than 0, or 0 alone, got []'],
    [['1m', 0], 'each longer than 0'],
    [Array.from({ length: 21 }, () => '1m'), '1 to 20 spans'],
    [{ spans: '1m', extend: 'yes' }, 'RL_BLOCK_INVALID: blockFor.extend must be true or false, got "yes"'],
    [
      { span: '1m' },
      'RL_OPTION_UNKNOWN: blockFor has no option "span"; did you mean spans? It takes spans, extend, forgetAfter',
    ],
    [{ spans: ['1m', '2m'], forgetAfter: 'x' }, 'got "x"'],
    [{ spans: '1m', forgetAfter: '1 day' }, 'got "1 day"'],
    [['1m', , '2m'], 'RL_BLOCK_INVALID'],
  ])('%p', (blockFor, message) => {
    expect(() => policy(blockFor as BlockFor)).toThrow(message);
  });
});

describe('with denials remembered', () => {
  let now: number;
  let inner: MemoryStore;
  let cache: DenialCacheStore;
  beforeEach(() => {
    now = BEGUN;
    inner = new MemoryStore({ now: () => now });
    cache = new DenialCacheStore(inner, { now: () => now, maxAge: 10 * MINUTE });
  });
  const ask = async (rule: Policy, cost = 1) => (await cache.consume([{ policy: rule, key: 'k', cost }]))[0]!;

  it('a block is told again without asking, and counts down', async () => {
    await ask(policy('1m'), 2);
    await ask(policy('1m'));
    const asked = jest.spyOn(inner, 'consume');
    now += 20_000;
    expect(await ask(policy('1m'))).toMatchObject({ allowed: false, retryAfter: 40_000, blockedFor: 40_000 });
    expect(asked).not.toHaveBeenCalled();
    now += 40_000;
    expect(await ask(policy('1m'))).toMatchObject({ allowed: true, remaining: 1 });
  });

  it('one that each denial begins anew is not: each is asked for', async () => {
    const rule = policy({ spans: '1m', extend: true });
    await ask(rule, 2);
    for (let i = 0; i < 3; i++, now += 50_000) expect((await ask(rule)).blockedFor).toBe(MINUTE);
  });

  it('block and unblock of this process are seen at once', async () => {
    const rule = policy('1m');
    await ask(rule, 2);
    await ask(rule);
    await cache.block(rule, 'k', 5 * MINUTE);
    expect((await ask(rule)).blockedFor).toBe(5 * MINUTE);
    await cache.unblock(rule, 'k');
    expect((await ask(rule, 0)).blockedFor).toBeUndefined();
    now += 10_000;
    expect((await ask(rule)).allowed).toBe(true);
  });

  it('a denial that tells of a quota beside it does so no longer when that is blocked', async () => {
    const [full, wide] = [definePolicy({ name: 'full', limit: 0, window: '1h' }), policy('1m', { name: 'wide' })];
    const both = async () =>
      (await cache.consume([full, wide].map((each) => ({ policy: each, key: 'k', cost: 1 }))))[1]!;
    await ask(wide, 1);
    expect(await both()).toMatchObject({ allowed: true, remaining: 1 });
    await ask(wide, 2);
    expect(await both()).toMatchObject({ allowed: false, remaining: 0, blockedFor: MINUTE });
  });
});

describe('while the store gives no answer', () => {
  const away = new StoreUnavailableError('away');
  const fail = () => {
    throw away;
  };

  it('a block that it told of stands here too, and an answer without one ends it', async () => {
    let now = BEGUN;
    const inner = new MemoryStore({ now: () => now });
    const store = new FailurePolicyStore(inner, { mode: 'local', observer: {}, now: () => now });
    const rule = policy('1m');
    const ask = async () => (await store.consume([{ policy: rule, key: 'k', cost: 1 }]))[0]!;
    const askAway = async () => {
      const spy = jest.spyOn(inner, 'consume').mockImplementationOnce(fail);
      const decision = await ask();
      spy.mockRestore();
      return decision;
    };
    for (let i = 0; i < 3; i++) await ask();
    now += 20_000;
    expect(await askAway()).toMatchObject({ allowed: false, by: 'local', retryAfter: 40_000, blockedFor: 40_000 });
    await inner.unblock(rule, 'k');
    expect(await ask()).toMatchObject({ allowed: true, by: 'store' });
    expect(await askAway()).toMatchObject({ allowed: true, by: 'local', remaining: 0 });
  });

  it('who goes over here is blocked here', async () => {
    const inner = new MemoryStore();
    jest.spyOn(inner, 'consume').mockImplementation(fail);
    const store = new FailurePolicyStore(inner, { mode: 'local', observer: {}, now: () => BEGUN });
    for (let i = 0; i < 3; i++) await store.consume([{ policy: policy('1m'), key: 'k', cost: 1 }]);
    const [denied] = await store.consume([{ policy: policy('1m'), key: 'k', cost: 1 }]);
    expect(denied).toMatchObject({ allowed: false, by: 'local', blockedFor: MINUTE });
    await expect(store.block(definePolicy({ name: 'plain', limit: 1, window: '1s' }), 'k', 5)).rejects.toThrow(
      'RL_BLOCK_OFF: plain: the policy has no blockFor, so a block would have no effect; add blockFor, or blockFor: 0 to block from code only',
    );
  });

  it('whom code blocks is blocked here too, even if the store did not hear of it', async () => {
    const inner = new MemoryStore({ now: () => BEGUN });
    jest.spyOn(inner, 'consume').mockImplementation(fail);
    const store = new FailurePolicyStore(inner, { mode: 'local', observer: {}, now: () => BEGUN });
    const ask = async (key: string) => (await store.consume([{ policy: policy(0), key, cost: 1 }]))[0]!;
    await store.block(policy(0), 'heard', MINUTE);
    jest.spyOn(inner, 'block').mockRejectedValue(away);
    await expect(store.block(policy(0), 'unheard', MINUTE)).rejects.toThrow(away);
    for (const key of ['heard', 'unheard'])
      expect(await ask(key)).toMatchObject({ allowed: false, blockedFor: MINUTE });
    expect((await ask('another')).allowed).toBe(true);
  });

  it('who asks for more than this instance has of a quota waits for the block all the same', async () => {
    const inner = new MemoryStore({ now: () => BEGUN });
    const store = new FailurePolicyStore(inner, { mode: 'local', instances: 4, observer: {}, now: () => BEGUN });
    const rule = policy('1m', { limit: 8 });
    const ask = async (cost: number) => (await store.consume([{ policy: rule, key: 'k', cost }]))[0]!;
    await ask(8);
    await ask(1);
    jest.spyOn(inner, 'consume').mockImplementation(fail);
    expect(await ask(3)).toMatchObject({ allowed: false, by: 'local', retryAfter: MINUTE, blockedFor: MINUTE });
    await store.unblock(rule, 'k');
    expect(await ask(3)).toMatchObject({ allowed: false, by: 'local', retryAfter: SECOND });
    expect((await ask(9)).retryAfter).toBe(-1);
  });

  it('a store that cannot block says so', async () => {
    const plain = { consume: () => Promise.resolve([]), reset: () => Promise.resolve() };
    const store = new FailurePolicyStore(plain, { mode: 'local', observer: {} });
    await expect(store.block(policy('1m'), 'k', 5)).rejects.toThrow('RL_STORE_WITHOUT_BLOCKS');
  });
});

describe('in an OpenAPI document', () => {
  it('a denial says how long callers over the limit are blocked, and is an example of it', () => {
    const documented = { policy: policy(['15m', '1h']), cost: 1, isLimitDynamic: false, isCostDynamic: false };
    const { denial } = documentedAnswers([documented], [], 'ietf');
    expect(denial!.description).toBe(
      'Over the quota of "p" (2 per 10s, callers over the limit are blocked for 15m, then 1h).',
    );
    expect(denial!.headers['Retry-After']!.example).toBe(900);
    expect(denial!.content['application/problem+json']!.example!.type).toMatch(/#abnormal-usage-detected$/);
  });
});
