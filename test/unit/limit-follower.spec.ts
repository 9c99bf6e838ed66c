import type { LimitBook, LimitChanges } from '../../libs/rate-limit/src/core/limit-book.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/index.js';
import { LimitFollower } from '../../libs/rate-limit/src/engine/limits/limit-follower.js';
import { PolicyVariants } from '../../libs/rate-limit/src/engine/policy-variants.js';
import { LivePolicy } from '../../libs/rate-limit/src/engine/limits/live-policy.js';
import { MemoryLimitBook } from '../../libs/rate-limit/src/stores/memory/memory.limit-book.js';

const livePolicy = (name: string, window: '1m' | '1h' = '1m') =>
  new LivePolicy(new PolicyVariants({ name, limit: 10, window }));

describe('limits in force', () => {
  let told: string[];
  const following = (policies: LivePolicy[], book: LimitBook) =>
    new LimitFollower(policies, book, { warn: (message) => told.push(message) });
  beforeEach(() => (told = []));

  it('are looked at again by those who wait when the look before theirs failed', async () => {
    let fails = true;
    const inner = new MemoryLimitBook();
    const live = livePolicy('a');
    await inner.write(live.own.id, { limit: 20 });
    const book: LimitBook = {
      isShared: true,
      changesSince: async (version) => {
        if (!fails) return inner.changesSince(version);
        fails = false;
        throw new StoreUnavailableError('Redis gave no answer');
      },
      write: (...of) => inner.write(...of),
    };
    const limits = following([live], book);
    const [first, second] = [limits.refresh(), limits.refresh()];
    await expect(first).rejects.toThrow('no answer');
    await second;
    expect(limits.of(live, undefined).limit).toBe(20);
    expect(live.isOwn).toBe(false);
  });

  it('are those of policies that are ours, by name, algorithm and window', async () => {
    const [minute, hour, book] = [livePolicy('a'), livePolicy('a', '1h'), new MemoryLimitBook()];
    await book.write(hour.own.id, { limit: 20 });
    await book.write('a:gc60000', { limit: 30 });
    const limits = following([minute], book);
    await limits.refresh();
    expect(limits.of(minute, undefined)).toMatchObject({ policy: 'a', limit: 10, burst: 10, version: 0 });
    expect(minute.isOwn).toBe(true);
  });

  it('leave out what the definition does not take, and say so once', async () => {
    const [live, book] = [livePolicy('a'), new MemoryLimitBook()];
    await book.write(live.own.id, { limit: 20, burst: 5 });
    await book.write(`${live.own.id}\0k`, { limit: 30, burst: 5 });
    const limits = following([live], book);
    await limits.refresh();
    expect(limits.of(live, 'k')).toMatchObject({ limit: 10, burst: 10, version: 2 });
    expect(live.isOwn).toBe(true);
    expect(told).toEqual([
      expect.stringMatching(/^a: a limit that was set is ignored, because it cannot be used: RL_BURST_INVALID/),
    ]);
  });

  it('tell of a route that they shut out, because another deployment set them, and are in force', async () => {
    const [live, book] = [livePolicy('a'), new MemoryLimitBook()];
    live.noteCost(5);
    await book.write(live.own.id, { limit: 4 });
    const limits = following([live], book);
    await limits.refresh();
    expect(limits.of(live, undefined).limit).toBe(4);
    expect(told).toEqual([
      expect.stringMatching(/^a: the limit that was set lets 4 pass at once, but requests of a route cost more/),
    ]);
    await book.write(live.own.id, { limit: 0 });
    await limits.refresh();
    expect(told).toHaveLength(1);
  });

  it('tell that some were lost, also where others were set since then', async () => {
    const [live, other] = [livePolicy('a'), livePolicy('b')];
    let changes: LimitChanges = {
      version: 7,
      isWhole: true,
      entries: new Map([[live.own.id, { limit: 5, version: 7 }]]),
    };
    const book: LimitBook = {
      isShared: true,
      changesSince: () => Promise.resolve(changes),
      write: () => Promise.reject(new Error('not asked')),
    };
    const limits = following([live, other], book);
    await limits.refresh();
    expect(told).toEqual([]);
    changes = { version: 9, isWhole: true, entries: new Map([[other.own.id, { limit: 6, version: 9 }]]) };
    await limits.refresh();
    expect([limits.of(live, undefined).limit, limits.of(other, undefined).limit]).toEqual([10, 6]);
    expect(told).toEqual([expect.stringMatching(/^The store lost the limits that were set/)]);
  });

  it('tell what Redis refuses, and not that it is away, which others tell', async () => {
    for (const why of ['Redis gave no answer', 'cannot decide: the ACL of the user lacks a permission (NOPERM …)']) {
      const book: LimitBook = {
        isShared: true,
        changesSince: () => Promise.reject(new StoreUnavailableError(why)),
        write: () => Promise.reject(new StoreUnavailableError(why)),
      };
      const limits = following([livePolicy('a')], book);
      await limits.tryToRefresh();
      await limits.tryToRefresh();
    }
    expect(told).toEqual([expect.stringMatching(/^The limits that were set cannot be read: .*NOPERM/)]);
  });
});
