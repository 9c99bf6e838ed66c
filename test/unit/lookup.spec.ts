import { jest } from '@jest/globals';
import { ForbiddenException, type ExecutionContext } from '@nestjs/common';
import { PolicyVariants } from '../../libs/rate-limit/src/engine/policy-variants.js';
import { lookupOf } from '../../libs/rate-limit/src/nest/resolve/lookup-of.js';
import type { Lookup } from '../../libs/rate-limit/src/nest/resolve/lookup.js';
import type { PolicyDefinition } from 'nestjs-redis-rate-limit';
import { KeptResolutions } from '../../libs/rate-limit/src/nest/resolve/kept-resolutions.js';
import type { Resolved, ResolveOptions } from '../../libs/rate-limit/src/nest/resolve/resolved-policy.js';
import { ruleOf } from '../../libs/rate-limit/src/nest/plan/rule.js';
import type { Call } from '../../libs/rate-limit/src/nest/request/call.js';
import { hitsOf } from '../../libs/rate-limit/src/nest/request/hits.js';
import type { Resolution } from '../../libs/rate-limit/src/nest/resolve/resolution.js';

const own = { name: 'plan', limit: 100, window: '1h' } as const;
const byTenant = () => 'never asked';

class CatsController {
  find() {}
}
const context = {
  getClass: () => CatsController,
  getHandler: () => CatsController.prototype.find,
} as unknown as ExecutionContext;

let time: number;
let warnings: string[];
let asked: number;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  time = 1_000_000;
  warnings = [];
  asked = 0;
});
afterEach(() => void jest.useRealTimers());

/** A lookup that counts how often it asks. */
function lookup(
  resolve: () => unknown,
  options: ResolveOptions = { resolveCache: { by: byTenant, for: '30s' } },
  definition: PolicyDefinition = own,
): Lookup {
  const counted = () => (asked++, resolve() as Resolved);
  const hooks = { now: () => time, warn: (text: string) => void warnings.push(text) };
  return lookupOf({ ...definition, resolve: counted, ...options }, new PolicyVariants(definition), hooks)!;
}

const limitOf = async (plan: Lookup, by: string | number | undefined = 'acme') =>
  (await plan.find(context, by)).policy.limit;

/** An answer that comes when the test says so. */
function later<T>() {
  let answer!: (value: T) => void;
  let fail!: (reason: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => ([answer, fail] = [resolve, reject]));
  return { promise, answer, fail };
}

/** Anything can be thrown, whatever types and rules say. */
const thrown = (value: unknown) => value as Error;

/** Lets deadlines come, and what they cause. */
async function wait(ms: number): Promise<void> {
  time += ms;
  await jest.advanceTimersByTimeAsync(ms);
  await new Promise(setImmediate);
}

describe('what is returned', () => {
  const numbersOf = async (answer: unknown, definition: PolicyDefinition = own) => {
    const { policy, key, cost } = await lookup(() => answer, {}, definition).find(context, undefined);
    return [policy.limit, policy.window, policy.burst, key, cost];
  };

  it('holds where it says something, and the policy itself where it does not', async () => {
    expect(await numbersOf({ limit: 5 })).toEqual([5, 3_600_000, 5, undefined, undefined]);
    expect(await numbersOf({ window: '1d', cost: 0 })).toEqual([100, 86_400_000, 100, undefined, 0]);
    expect(await numbersOf({ limit: 0, key: 42 })).toEqual([0, 3_600_000, 0, '42', undefined]);
    for (const nothing of [undefined, null, {}, { limit: null, window: null, burst: null, key: null, cost: null }]) {
      expect(await numbersOf(nothing)).toEqual([100, 3_600_000, 100, undefined, undefined]);
    }
    expect(warnings).toEqual([]);
  });

  it('leaves a burst as the policy says it, or as the algorithm makes it of the limit', async () => {
    const bucket = { ...own, algorithm: 'token-bucket' } as const;
    expect(await numbersOf({ limit: 7 }, bucket)).toEqual([7, 3_600_000, 7, undefined, undefined]);
    expect(await numbersOf({ limit: 7 }, { ...bucket, burst: 3 })).toEqual([7, 3_600_000, 3, undefined, undefined]);
    expect(await numbersOf({ burst: 9 }, { ...bucket, burst: 3 })).toEqual([100, 3_600_000, 9, undefined, undefined]);
  });

  it('makes one policy of the same numbers, whoever asks and however a window is written', async () => {
    let window: string | number = '1m';
    const plan = lookup(() => ({ limit: 5, window }), {});
    const first = (await plan.find(context, undefined)).policy;
    window = 60_000;
    expect((await plan.find(context, undefined)).policy).toBe(first);
    expect(first.id).not.toBe(plan.own.id);
  });

  it('makes another policy of another burst, and none of one that only reads like a known one', async () => {
    let burst: unknown = 5;
    const plan = lookup(() => ({ burst }), {}, { ...own, algorithm: 'gcra' });
    const found = [];
    for (burst of [5, 6, '5']) found.push((await plan.find(context, undefined)).policy.burst);
    expect([found, warnings.length]).toEqual([[5, 6, 1], 1]);
  });

  it('that has another window each time is said once', async () => {
    let window = 0;
    const plan = lookup(() => ({ window: `${++window}s` }), {});
    for (let i = 0; i < 10; i++) await plan.find(context, undefined);
    expect(warnings).toEqual([]);
    for (let i = 0; i < 20; i++) await plan.find(context, undefined);
    expect(warnings).toEqual([
      'resolve of "plan" has returned 11 different windows. Each window is a quota of its own, so a window that ' +
        "changes with every request, such as the time until midnight, limits no caller. Return fixed spans, such as '1d', or " +
        "calendar windows: 'day', or { calendar: 'day', timeZone: 'Europe/Berlin' }.",
    ]);
  });

  it('that has a day of its own zone for each customer is not: it is one quota', async () => {
    const zones = Intl.supportedValuesOf('timeZone').slice(0, 20);
    const plan = lookup(() => ({ window: { calendar: 'day', timeZone: zones.pop(), anchor: null } }), {});
    for (let i = 0; i < 20; i++) await plan.find(context, undefined);
    expect([zones, warnings]).toEqual([[], []]);
  });

  it('that has one of a few windows is not', async () => {
    let asked = 0;
    const plan = lookup(() => ({ window: `${1 + (asked++ % 10)}m` }), {});
    for (let i = 0; i < 60; i++) await plan.find(context, undefined);
    expect(warnings).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['a limit that is not a number', { limit: NaN }, 'RL_LIMIT_INVALID: limit must be .* got NaN'],
    [
      'an unknown zone',
      { window: { calendar: 'day', timeZone: 'Europe/Berln' }, limit: 5 },
      `RL_WINDOW_INVALID: window: timeZone must be .* got "Europe/Berln"; did you mean 'Europe/Berlin'\\?`,
    ],
    ['a limit that is text', { limit: '5' }, 'RL_LIMIT_INVALID: .* got "5"'],
    ['a window that cannot be read', { window: '10 seconds' }, 'RL_WINDOW_INVALID: .* got "10 seconds"'],
    ['a window without its unit', { window: 60 }, "RL_WINDOW_INVALID: window: 60 means 60 milliseconds; write '60s'"],
    ['a burst of another algorithm', { burst: 5 }, 'RL_BURST_INVALID: fixed-window takes no burst'],
    ['a burst that is text', { burst: '5' }, 'RL_BURST_INVALID'],
    ['a negative cost', { cost: -1 }, 'RL_COST_INVALID: .* got -1'],
    ['a key that is an object', { key: { id: 1 } }, 'RL_KEY_INVALID: .* got {"id":1}'],
    [
      'an unknown part',
      { limit: 5, algorithm: 'gcra' },
      'RL_OPTION_UNKNOWN: .* no option "algorithm"; it takes limit,',
    ],
    ['text', 'gold', 'RL_OPTION_UNKNOWN: the value that resolve returns must be an object, got text'],
  ])('%s: the own numbers hold, all of them, and the warning says why', async (_what, answer, why) => {
    expect(await numbersOf(answer)).toEqual([100, 3_600_000, 100, undefined, undefined]);
    if (typeof answer === 'object')
      expect(await numbersOf({ cost: 7, limit: 5, ...answer })).toEqual([100, 3_600_000, 100, undefined, undefined]);
    expect(warnings[0]).toMatch(
      new RegExp(
        `^CatsController.find: resolve of "plan" returned a value that cannot be used: ${why}.*: 100 per 1h\\.`,
      ),
    );
  });

  it('is waited for only if it is a promise', async () => {
    expect(lookup(() => ({ limit: 5 }), {}).find(context, undefined)).not.toBeInstanceOf(Promise);
    const plan = lookup(async () => ({ limit: 5 }));
    expect(plan.find(context, 'acme')).toBeInstanceOf(Promise);
    await wait(1);
    expect(plan.find(context, 'acme')).toMatchObject({ policy: { limit: 5 } });
  });
});

describe('answers', () => {
  it('are kept for 10,000 keys unless it is said otherwise', () => {
    const plan = lookup(() => ({ limit: 5 }), { resolveCache: { by: byTenant, for: '1h' } });
    const find = (key: number) => void plan.find(context, key);
    for (let i = 0; i < 10_000; i++) find(i);
    find(0);
    expect(asked).toBe(10_000);
    find(10_000);
    find(1);
    expect(asked).toBe(10_001);
    find(0);
    expect(asked).toBe(10_002);
  });

  it('hold for their time from the call on, each for its key', async () => {
    let limit = 5;
    const plan = lookup(async () => (await wait(10), { limit }));
    expect([await limitOf(plan), await limitOf(plan, 'other')]).toEqual([5, 5]);
    limit = 6;
    await wait(29_979); // The first call is 29,999 ms old.
    expect([await limitOf(plan), asked]).toEqual([5, 2]);
    await wait(1);
    expect([await limitOf(plan), asked]).toEqual([6, 3]);
  });

  it('say that there is none as well as any other', async () => {
    const plan = lookup(async () => undefined);
    expect([await limitOf(plan), await limitOf(plan), asked]).toEqual([100, 100, 1]);
  });

  it('are asked for once, however many wait', async () => {
    const { promise, answer } = later<Resolved>();
    const plan = lookup(() => promise);
    const limits = Promise.all(Array.from({ length: 50 }, () => limitOf(plan)));
    answer({ limit: 5 });
    expect([new Set(await limits), asked]).toEqual([new Set([5]), 1]);
  });

  it('are asked for each time without a key, or without a cache', async () => {
    const plan = lookup(async () => ({ limit: 5 }));
    for (let i = 0; i < 3; i++) await plan.find(context, undefined);
    expect(asked).toBe(3);
    const uncached = lookup(() => ({ limit: 5 }), {});
    for (let i = 0; i < 3; i++) await uncached.find(context, 'acme');
    expect(asked).toBe(6);
  });

  it('are told apart however long their keys are, 42 and "42" not', async () => {
    const plan = lookup(() => ({ limit: 5 }));
    for (const key of ['k'.repeat(200), `${'k'.repeat(200)}k`, 42, '42']) await plan.find(context, key);
    expect(asked).toBe(3);
    expect(() => plan.find(context, {} as never)).toThrow(expect.objectContaining({ code: 'RL_KEY_INVALID' }));
  });

  it('are as many as they may be, the oldest going first', async () => {
    const plan = lookup(() => ({ limit: 5 }), { resolveCache: { by: byTenant, for: '30s', max: 3 } });
    for (const key of ['a', 'b', 'c', 'd']) await plan.find(context, key);
    await plan.find(context, 'b');
    expect(asked).toBe(4);
    await plan.find(context, 'a');
    expect(asked).toBe(5);
  });
});

describe('the memory of answers', () => {
  const costing = (cost: number) => ({ cost }) as Resolution;

  it('lets go of what is over, when something comes', () => {
    const memory = new KeptResolutions(1_000);
    for (let i = 0; i < 100; i++) memory.keep(`key ${i}`, { resolution: costing(1), lookup: i, until: 10 + i }, i);
    expect(memory.size).toBe(11 - 1);
    expect([memory.find('key 99', 108), memory.find('key 99', 109)]).toEqual([costing(1), undefined]);
  });

  it('never keeps more than it may', () => {
    const memory = new KeptResolutions(10);
    for (let i = 0; i < 100; i++) memory.keep(`key ${i}`, { resolution: costing(1), lookup: i, until: 1_000 }, 0);
    expect([memory.size, memory.find('key 89', 0), memory.find('key 90', 0)]).toEqual([10, undefined, costing(1)]);
  });

  it('takes what is kept anew for the newest', () => {
    const memory = new KeptResolutions(2);
    ['a', 'b', 'a', 'c'].forEach((key, i) => memory.keep(key, { resolution: costing(i), lookup: i, until: 9 }, 0));
    expect([memory.find('a', 0), memory.find('b', 0), memory.find('c', 0)]).toEqual([
      costing(2),
      undefined,
      costing(3),
    ]);
  });

  it('keeps the answer of the later lookup, whichever comes first, and none that is over', () => {
    const memory = new KeptResolutions(10);
    memory.keep('key', { resolution: costing(2), lookup: 2, until: 50 }, 0);
    memory.keep('key', { resolution: costing(1), lookup: 1, until: 90 }, 0);
    memory.keep('key', { resolution: costing(3), lookup: 3, until: 20 }, 20);
    expect(memory.find('key', 20)).toEqual(costing(2));
  });
});

describe('a lookup without an answer', () => {
  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('the database is\naway');
      },
      'failed: the database is\\u000aaway',
    ],
    ['rejects', async () => Promise.reject(new Error('away')), 'failed: away'],
    ['rejects with text', async () => Promise.reject(thrown('away')), 'failed: "away"'],
    [
      'promises what is no proper promise',
      () =>
        Object.defineProperty(Promise.resolve(), 'constructor', {
          get: () => {
            throw new Error('away');
          },
        }),
      'failed: away',
    ],
    ['rejects with nothing', async () => Promise.reject(thrown(undefined)), 'failed: undefined'],
  ])('that %s leaves the own numbers', async (_how, resolve, what) => {
    const plan = lookup(resolve);
    expect(await limitOf(plan)).toBe(100);
    expect(warnings).toEqual([
      `CatsController.find: resolve of "plan" ${what}. The policy's own numbers apply instead: 100 per 1h. ` +
        'This is logged once, and again after a minute without it.',
    ]);
  });

  it('is given up at its deadline, and not before', async () => {
    const plan = lookup(() => new Promise(() => {}), { resolveTimeout: 100 });
    const told = jest.fn();
    void limitOf(plan, undefined).then(told);
    await wait(99);
    expect(told).not.toHaveBeenCalled();
    await wait(1);
    expect(told).toHaveBeenCalledWith(100);
    expect(warnings).toEqual([expect.stringContaining('resolve of "plan" gave no answer within 100 ms')]);
  });

  it('has a quarter of a second by default', async () => {
    const told = jest.fn();
    void limitOf(
      lookup(() => new Promise(() => {}), {}),
      undefined,
    ).then(told);
    await wait(249);
    expect(told).not.toHaveBeenCalled();
    await wait(1);
    expect(told).toHaveBeenCalled();
  });

  it('that was read in the turn after its deadline has one', async () => {
    const { promise, answer } = later<Resolved>();
    const limit = limitOf(
      lookup(() => promise, {}),
      undefined,
    );
    jest.advanceTimersByTime(250); // As after a turn that took long.
    answer({ limit: 5 });
    expect(await limit).toBe(5);
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  it('makes whoever joins it wait until its deadline, not for another', async () => {
    const plan = lookup(() => new Promise(() => {}), { resolveCache: { by: byTenant, for: '30s' } });
    const told = jest.fn();
    void limitOf(plan);
    await wait(200);
    void limitOf(plan).then(told);
    await wait(50);
    expect(told).toHaveBeenCalledWith(100);
  });

  it('is not asked again for a second, and then once', async () => {
    const plan = lookup(async () => Promise.reject(new Error('away')));
    await limitOf(plan);
    await wait(999);
    expect([plan.find(context, 'acme'), asked]).toEqual([{ policy: plan.own, key: undefined, cost: undefined }, 1]);
    await wait(1);
    expect([await limitOf(plan), asked]).toEqual([100, 2]);
  });

  it('is not passed over for longer than an answer would hold', async () => {
    const plan = lookup(() => ({ limit: NaN }), { resolveCache: { by: byTenant, for: '200ms' } });
    await limitOf(plan);
    await wait(200);
    await limitOf(plan);
    expect(asked).toBe(2);
  });

  it('that comes late is kept, for what is left of its time', async () => {
    const { promise, answer } = later<Resolved>();
    const plan = lookup(() => promise);
    const first = limitOf(plan);
    await wait(250);
    expect(await first).toBe(100);
    answer({ limit: 5 });
    await wait(100);
    expect([await limitOf(plan), asked]).toEqual([5, 1]);
    await wait(29_650);
    void limitOf(plan);
    expect(asked).toBe(2);
  });

  it.each([
    ['with an HttpException', new ForbiddenException()],
    ['with another error', new Error('away')],
  ])('that fails late %s is nobody’s business any more', async (_how, reason) => {
    const { promise, fail } = later<Resolved>();
    const plan = lookup(() => promise);
    void limitOf(plan);
    await wait(250);
    await wait(500);
    fail(reason);
    await wait(1);
    expect(warnings).toHaveLength(1);
    await wait(499); // A second after it was given up.
    await Promise.allSettled([limitOf(plan)]);
    expect(asked).toBe(2);
  });

  it('that throws an HttpException tells it to all who wait, and is asked again', async () => {
    const plan = lookup(async () => Promise.reject(new ForbiddenException('suspended')));
    const all = await Promise.allSettled([limitOf(plan), limitOf(plan)]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(limitOf(plan)).rejects.toThrow('suspended');
    expect([asked, warnings]).toEqual([2, []]);
    const atOnce = lookup(() => {
      throw new ForbiddenException('suspended');
    });
    expect(() => atOnce.find(context, 'acme')).toThrow('suspended');
  });

  it('is shown for each wrong value, so that one customer does not hide another, and at most twenty times', async () => {
    let customer = 0;
    const wrong = () => ({ window: { calendar: 'day', timeZone: `Atlantis${customer++ % 30}` } });
    const plan = lookup(wrong, {});
    for (let i = 0; i < 300; i++) await plan.find(context, undefined);
    // And one warning for all others.
    expect(warnings).toHaveLength(21);
    expect(warnings[1]).toMatch(/"Atlantis1"\. The policy's own numbers apply/);
  });

  it('is told of when it begins, each kind by itself, and again after a quiet minute', async () => {
    let answer: unknown = { limit: -1 };
    const plan = lookup(() => {
      if (answer instanceof Error) throw answer;
      return answer;
    }, {});
    const ask = async (times: number) => {
      for (let i = 0; i < times; i++) await plan.find(context, undefined);
      return warnings.length;
    };
    expect(await ask(100)).toBe(1);
    answer = { window: 'x' };
    expect(await ask(100)).toBe(2);
    answer = new Error('away');
    expect(await ask(100)).toBe(3);
    time += 59_999;
    expect(await ask(1)).toBe(3);
    time += 59_999;
    expect(await ask(1)).toBe(3);
    time += 60_000;
    expect(await ask(1)).toBe(4);
  });
});

it('a cost of the rule that is not fit for use is named as it is, beside a lookup too', async () => {
  const rule = ruleOf({ ...own, cost: (() => undefined) as never, resolve: () => undefined });
  const settings = { keys: {}, lists: undefined };
  const kept = new Map<object, unknown>();
  const call = {
    context,
    settings,
    keep: (owner: object, note: unknown) => (kept.set(owner, note), note),
    kept: (owner: object) => kept.get(owner),
  } as unknown as Call;
  const keyed = { ...rule, key: (one: Call) => (rule.source as Lookup).keyOf(one, () => 'key') };
  await expect((async () => hitsOf([keyed], call))()).rejects.toThrow(
    'cost must be a whole number, not negative, got undefined',
  );
});
