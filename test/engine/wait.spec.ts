import { jest } from '@jest/globals';
import {
  createLimiter,
  RateLimitWaitError,
  StoreUnavailableError,
  type Decision,
  type Limiter,
  type LimiterOptions,
} from 'nestjs-redis-rate-limit/engine';
import { closeClients } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

const open: Limiter[] = [];
afterEach(async () => {
  jest.useRealTimers();
  for (const limiter of open.splice(0)) await limiter.close();
  closeClients();
});

const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };

const policies = {
  bucket: { limit: 10, window: '1s', burst: 2, algorithm: 'token-bucket' },
  paced: { limit: 10, window: '1s', algorithm: 'gcra' },
  calls: { limit: 2, window: '10s' },
  log: { limit: 2, window: '10s', algorithm: 'sliding-log' },
  login: { limit: 1, window: '2s', blockFor: '1m' },
  guesses: { limit: 1, window: '1s', burst: 1, algorithm: 'token-bucket', blockFor: '5s' },
  uploads: { limit: 2, algorithm: 'concurrency' },
  huge: { limit: 200_000_000, window: '1d', burst: 1, algorithm: 'token-bucket' },
  banned: { limit: 1, window: '1s', deny: ['user:mallory'] },
} as const;

async function limiterWith(options: LimiterOptions = {}): Promise<Limiter> {
  const limiter = await createLimiter({ logger, policies, ...options });
  open.push(limiter);
  return limiter;
}

/** A limiter in memory, under a clock that only the test moves. */
async function frozen(options: LimiterOptions = {}): Promise<Limiter> {
  jest.useFakeTimers({ now: 1_000_000_000_000, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  return await limiterWith(options);
}

/** What became of calls, in the order in which they ended: `name@ms`. */
class Journal {
  readonly lines: string[] = [];
  private readonly began = performance.now();

  note(name: string, wait: Promise<Decision>): Promise<void> {
    return wait.then(
      () => void this.lines.push(`${name}@${this.at()}`),
      (error: unknown) => void this.lines.push(`${name}@${this.at()} ${reasonOf(error)}`),
    );
  }

  private at(): number {
    return Math.round(performance.now() - this.began);
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof RateLimitWaitError
    ? `${error.code} ${error.retryAfter}`
    : String((error as { code?: string }).code ?? error);

const decisionOf = (error: unknown): Decision => (error as RateLimitWaitError).decision;

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('waiting for a bucket', () => {
  it('takes turns in order of arrival, each when its units have returned', async () => {
    const limiter = await frozen();
    const journal = new Journal();
    for (const [name, cost] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
      ['d', 1],
    ] as const) {
      void journal.note(name, limiter.wait('bucket', 'user:1', { cost }));
    }
    await pass(1_000);
    expect(journal.lines).toEqual(['a@0', 'b@0', 'c@200', 'd@300']);
  });

  it('asks the store once for each call once somebody waits, and returns decisions that say no more of the wait', async () => {
    const decided = jest.fn();
    const limiter = await frozen({ observer: { decided } });
    const calls = [];
    for (let n = 0; n < 5; n++) {
      calls.push(limiter.wait('paced', 'user:1'));
      await pass(0);
    }
    await pass(400);
    expect(await Promise.all(calls)).toEqual(
      Array(5).fill({ allowed: true, limit: 10, remaining: 0, resetAfter: 100, retryAfter: 0, by: 'store' }),
    );
    // The first one that must wait tries before it takes its turn.
    expect(decided).toHaveBeenCalledTimes(6);
  });

  it('refuses at once what would begin after the timeout, and charges nothing for it', async () => {
    const limiter = await frozen();
    await limiter.consume('paced', 'user:1');
    const late = limiter.wait('paced', 'user:1', { timeout: '99ms' });
    await expect(late).rejects.toMatchObject({
      code: 'RL_WAIT_TIMEOUT',
      retryAfter: 100,
      decision: { allowed: false },
    });
    const never = limiter.wait('paced', 'user:1', { cost: 2 });
    await expect(never).rejects.toMatchObject({ code: 'RL_WAIT_NEVER', retryAfter: -1 });
    await expect(limiter.wait('paced', 'user:1', { timeout: 0 })).rejects.toMatchObject({ code: 'RL_WAIT_TIMEOUT' });
    expect(await limiter.peek('paced', 'user:1')).toMatchObject({ resetAfter: 100 });
  });

  it('gives the turn back when it is aborted, with the reason of the signal', async () => {
    const limiter = await frozen();
    const journal = new Journal();
    const controller = new AbortController();
    const reason = new Error('the user left');
    await limiter.consume('paced', 'user:1');
    const left = limiter.wait('paced', 'user:1', { signal: controller.signal });
    void journal.note('b', limiter.wait('paced', 'user:1'));
    await pass(10);
    controller.abort(reason);
    await expect(left).rejects.toBe(reason);
    void journal.note('c', limiter.wait('paced', 'user:1'));
    await pass(1_000);
    // What was behind it does not move up, and the next one gets the turn that was given back.
    expect(journal.lines.sort()).toEqual(['b@200', 'c@200']);
    await expect(limiter.wait('paced', 'user:1', { signal: controller.signal })).rejects.toBe(reason);
    expect(await limiter.peek('paced', 'user:1')).toMatchObject({ remaining: 1 });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('begins no block, and waits for one that stands', async () => {
    const limiter = await frozen();
    const journal = new Journal();
    await limiter.consume('guesses', 'user:1');
    const late = limiter.wait('guesses', 'user:1', { timeout: '500ms' });
    await expect(late).rejects.toMatchObject({ code: 'RL_WAIT_TIMEOUT', retryAfter: 1_000 });
    expect(await limiter.blockedFor('guesses', 'user:1')).toBe(0);
    await limiter.consume('guesses', 'user:1');
    expect(await limiter.blockedFor('guesses', 'user:1')).toBe(5_000);
    const short = limiter.wait('guesses', 'user:1', { timeout: '4s' });
    await expect(short).rejects.toMatchObject({ code: 'RL_WAIT_TIMEOUT', retryAfter: 5_000 });
    void journal.note('blocked', limiter.wait('guesses', 'user:1', { timeout: '6s' }));
    await pass(6_000);
    expect(journal.lines).toEqual(['blocked@5000']);
  });
});

describe('waiting for a window', () => {
  it.each(['calls', 'log'])('lets calls pass in order of arrival: %s', async (policy) => {
    const limiter = await frozen();
    const journal = new Journal();
    for (const [name, cost] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
      ['d', 1],
      ['e', 1],
    ] as const) {
      void journal.note(name, limiter.wait(policy, 'user:1', { cost }));
    }
    void journal.note('other', limiter.wait(policy, 'user:2'));
    await pass(30_000);
    expect(journal.lines).toEqual(['a@0', 'b@0', 'other@0', 'c@10000', 'd@20000', 'e@20000']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('refuses at once what cannot pass in time, also behind others, and asks no more than it must', async () => {
    const decided = jest.fn();
    const limiter = await frozen({ observer: { decided } });
    const journal = new Journal();
    const wait = (name: string, timeout: '25s' | '15s' | '5s') =>
      journal.note(name, limiter.wait('calls', 'user:1', { timeout }));
    await limiter.consume('calls', 'user:1', { cost: 2 });
    void wait('a', '15s');
    await wait('b', '5s');
    void wait('c', '15s');
    void wait('d', '25s');
    void wait('e', '15s');
    await pass(20_000);
    expect(journal.lines).toEqual([
      'b@0 RL_WAIT_TIMEOUT 10000',
      'a@10000',
      'c@10000',
      'e@10000 RL_WAIT_TIMEOUT 10000',
      'd@20000',
    ]);
    // The first charge; a, b and d were denied; a, c and d passed.
    expect(decided).toHaveBeenCalledTimes(7);
  });

  it('lets the next one ask when the first of the line is aborted', async () => {
    const limiter = await frozen();
    const journal = new Journal();
    const controller = new AbortController();
    await limiter.consume('calls', 'user:1', { cost: 1 });
    void journal.note('large', limiter.wait('calls', 'user:1', { cost: 2, signal: controller.signal }));
    await pass(0);
    void journal.note('small', limiter.wait('calls', 'user:1'));
    await pass(100);
    controller.abort('enough');
    await pass(0);
    expect(journal.lines).toEqual(['large@100 enough', 'small@100']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('notices a quota that was reset, once another call comes', async () => {
    const limiter = await frozen({ policies: { daily: { limit: 1, window: '1d' } } });
    const journal = new Journal();
    await limiter.consume('daily', 'user:1');
    void journal.note('a', limiter.wait('daily', 'user:1', { timeout: '1d' }));
    await pass(60_000);
    await limiter.reset('daily', 'user:1');
    void journal.note('b', limiter.wait('daily', 'user:1'));
    await pass(0);
    expect(journal.lines).toEqual(['a@60000', `b@60000 RL_WAIT_TIMEOUT 86400000`]);
  });

  it('begins no block', async () => {
    const limiter = await frozen();
    const journal = new Journal();
    await limiter.consume('login', 'user:1');
    void journal.note('a', limiter.wait('login', 'user:1'));
    await pass(1_000);
    expect(await limiter.blockedFor('login', 'user:1')).toBe(0);
    await pass(1_000);
    expect(journal.lines).toEqual(['a@2000']);
  });
});

describe('what does not wait', () => {
  it('is refused with a clear error', async () => {
    const limiter = await frozen();
    const codeOf = (policy: string, options?: object, key = 'user:1') =>
      limiter.wait(policy, key, options).then(
        () => 'passed',
        (error: unknown) => (error as { code: string }).code,
      );
    expect(await codeOf('uploads')).toBe('RL_WAIT_INVALID');
    expect(await codeOf('bucket', { timeout: 30 })).toBe('RL_TIMEOUT_INVALID');
    expect(await codeOf('bucket', { timeout: '2d' })).toBe('RL_TIMEOUT_INVALID');
    expect(await codeOf('bucket', { timeout: 'soon' })).toBe('RL_TIMEOUT_INVALID');
    expect(await codeOf('bucket', { cost: -1 })).toBe('RL_COST_INVALID');
    expect(await codeOf('bucket', { cost: Number.NaN })).toBe('RL_COST_INVALID');
    expect(await codeOf('bucket', { signal: 'stop' })).toBe('RL_OPTION_INVALID');
    expect(await codeOf('bucket', { tiemout: '1s' })).toBe('RL_OPTION_UNKNOWN');
    expect(await codeOf('huge', { timeout: '1d' })).toBe('RL_PRECISION');
    expect(await codeOf('huge')).toBe('passed');
    expect(await codeOf('banned', {}, 'user:mallory')).toBe('RL_WAIT_NEVER');
    expect(await codeOf('bucket', { cost: 0 })).toBe('passed');
  });

  it('is refused when too many wait already', async () => {
    const limiter = await frozen();
    const timeout = '1d';
    const waits = Array.from({ length: 1_002 }, () => limiter.wait('paced', 'user:1', { timeout }).catch(reasonOf));
    await pass(100_200);
    const ends = await Promise.all(waits);
    expect(ends.filter((end) => end === 'RL_WAIT_FULL')).toHaveLength(1);
    expect(await limiter.peek('paced', 'user:1')).toMatchObject({ remaining: 1 });
    const line = Array.from({ length: 1_003 }, () => limiter.wait('calls', 'user:1', { timeout }).catch(reasonOf));
    await pass(0);
    await limiter.close();
    const inLine = await Promise.all(line);
    expect(inLine.filter((end) => end === 'RL_WAIT_FULL')).toHaveLength(1);
    expect(inLine.filter((end) => end === 'RL_WAIT_CLOSED')).toHaveLength(1_000);
  });

  it('is turned away when the limiter closes', async () => {
    const limiter = await frozen();
    const journal = new Journal();
    await limiter.consume('paced', 'user:1');
    await limiter.consume('calls', 'user:1', { cost: 2 });
    void journal.note('bucket', limiter.wait('paced', 'user:1'));
    void journal.note('window', limiter.wait('calls', 'user:1'));
    await pass(1);
    await limiter.close();
    await pass(0);
    expect(journal.lines.sort()).toEqual(['bucket@1 RL_WAIT_CLOSED', 'window@1 RL_WAIT_CLOSED']);
    await expect(limiter.wait('paced', 'user:1')).rejects.toMatchObject({ code: 'RL_WAIT_CLOSED' });
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('waiting with Redis', () => {
  const place = () => ({ redis: sharedRedis().url, prefix: `wait-${process.pid}-${Math.random()}` });

  it('serves two limiters in order of arrival, and gives an aborted turn back', async () => {
    const where = place();
    const [one, other] = [await limiterWith(where), await limiterWith(where)];
    const journal: string[] = [];
    const noted = (name: string, wait: Promise<unknown>) => wait.then(() => journal.push(name));
    await one.consume('paced', 'user:1');
    const controller = new AbortController();
    const a = noted('a', other.wait('paced', 'user:1'));
    await other.peek('paced', 'user:1');
    const left = one.wait('paced', 'user:1', { signal: controller.signal });
    await one.peek('paced', 'user:1');
    const b = noted('b', other.wait('paced', 'user:1'));
    await other.peek('paced', 'user:1');
    controller.abort();
    await expect(left).rejects.toThrow('aborted');
    await Promise.all([a, b]);
    expect(journal).toEqual(['a', 'b']);
    // Two turns are charged, not three: the bucket is full a turn after the second began.
    expect((await one.peek('paced', 'user:1')).resetAfter).toBeLessThanOrEqual(100);
  });

  it('gives back nothing for an aborted call that a policy in shadow would have denied: it took nothing', async () => {
    const trial = { limit: 2, window: '1h', mode: 'shadow' } as const;
    const options = { ...place(), policies: { trial } };
    const limiter = await limiterWith(options);
    await limiter.consume('trial', 'k', { cost: 2 });
    const controller = new AbortController();
    const waiting = limiter.wait('trial', 'k', { signal: controller.signal });
    controller.abort('gone');
    await expect(waiting).rejects.toBe('gone');
    // Waits until all answers are there, and what is given back then.
    await limiter.close();
    const later = await limiterWith(options);
    expect((await later.peek('trial', 'k')).remaining).toBe(0);
  });

  it('gives back what was charged for a call that was aborted on the way', async () => {
    const limiter = await limiterWith(place());
    for (const policy of ['paced', 'calls']) {
      const controller = new AbortController();
      const left = limiter.wait(policy, 'user:1', { signal: controller.signal });
      controller.abort('gone');
      await expect(left).rejects.toBe('gone');
      // The give-back is sent when the answer comes.
      let look = await limiter.peek(policy, 'user:1');
      for (let n = 0; n < 50 && look.resetAfter > 0; n++) look = await limiter.peek(policy, 'user:1');
      expect(look.resetAfter).toBe(0);
    }
  });

  it('is not answered with denials of calls that do not wait, nor the reverse', async () => {
    const limiter = await limiterWith(place());
    await limiter.consume('paced', 'user:1');
    expect(await limiter.consume('paced', 'user:1')).toMatchObject({ allowed: false, by: 'store' });
    expect(await limiter.wait('paced', 'user:1')).toMatchObject({ allowed: true, by: 'store' });
    // With blocks a call takes its turn at once.
    await limiter.consume('guesses', 'user:1');
    const late = { timeout: '10ms' } as const;
    const refused = await limiter.wait('guesses', 'user:1', late).catch(decisionOf);
    expect(refused).toMatchObject({ allowed: false, by: 'store' });
    expect(await limiter.consume('guesses', 'user:1')).toMatchObject({
      allowed: false,
      by: 'store',
      blockedFor: 5_000,
    });
  });
});

describe('waiting without the store', () => {
  const failing = {
    consume: () => Promise.reject(new StoreUnavailableError('it is down')),
    reset: () => Promise.reject(new StoreUnavailableError('it is down')),
  };

  it('follows onStoreFailure: local takes turns in memory, open passes, closed fails', async () => {
    const limiter = await frozen({ store: failing, policies: {} });
    const journal = new Journal();
    const paced = (onStoreFailure: 'local' | 'open' | 'closed') =>
      ({ name: onStoreFailure, limit: 10, window: '1s', algorithm: 'gcra', onStoreFailure }) as const;
    for (const name of ['local', 'local', 'open', 'open', 'closed'] as const) {
      void journal.note(name, limiter.wait(paced(name), 'user:1'));
    }
    const fixed = { name: 'fixed', limit: 1, window: '1s' } as const;
    for (const name of ['fixed', 'fixed']) void journal.note(name, limiter.wait(fixed, 'user:1'));
    await pass(2_000);
    expect(journal.lines.sort()).toEqual([
      'closed@0 RL_STORE_UNAVAILABLE',
      'fixed@0',
      'fixed@1000',
      'local@0',
      'local@100',
      'open@0',
      'open@0',
    ]);
  });
});
