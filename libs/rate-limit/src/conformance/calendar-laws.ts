import assert from 'node:assert/strict';
import type { Clock } from '../core/clock.js';
import { definePolicy, type PolicyDefinition } from '../core/policy.js';
import type { RateLimitStore } from '../core/store.js';
import type { WindowDefinition } from '../core/window-of.js';
import { lawsOf } from './bench.js';
import type { StoreLaw } from './store-law.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What every store promises of calendar windows: a part of `storeConformance()`. */
export function calendarLaws(open: (now: Clock) => RateLimitStore | Promise<RateLimitStore>): StoreLaw[] {
  const { laws, law } = lawsOf(open);
  const three = (window: WindowDefinition, more: Partial<PolicyDefinition> = {}) =>
    definePolicy({ name: 'three', limit: 3, window, ...more });

  law('a calendar window ends at its boundary, and not a millisecond sooner', async ({ spend, clock }) => {
    const daily = three('day Europe/Berlin');
    clock.now = Date.UTC(2027, 2, 27, 12, 0, 0, 1);
    await spend(daily, { cost: 3 });
    const { allowed, remaining, resetAfter, retryAfter } = await spend(daily);
    assert.deepEqual([allowed, remaining, resetAfter, retryAfter], [false, 0, 11 * HOUR - 1, 11 * HOUR - 1]);
    clock.now = Date.UTC(2027, 2, 27, 22, 59, 59, 999);
    assert.deepEqual((await spend(daily)).retryAfter, 1);
    clock.now += 1;
    const tomorrow = await spend(daily);
    // The clocks are set forward.
    assert.deepEqual([tomorrow.allowed, tomorrow.remaining, tomorrow.resetAfter], [true, 2, 23 * HOUR]);
  });

  law('charges right before a boundary and right after it are in two windows', async ({ spend, look, clock }) => {
    const monthly = three('month');
    clock.now = Date.UTC(2027, 2, 1) - 1;
    assert.deepEqual((await spend(monthly, { cost: 2 })).resetAfter, 1);
    clock.now += 1;
    assert.deepEqual((await look(monthly)).remaining, 3);
    const charged = await spend(monthly, { cost: 3 });
    assert.deepEqual([charged.allowed, charged.remaining, charged.resetAfter], [true, 0, 31 * DAY]);
    assert.equal((await spend(monthly)).allowed, false);
  });

  for (const [calendar, end] of [
    ['minute', '2027-01-15T08:01:00Z'],
    ['hour', '2027-01-15T08:30:00Z'],
    ['day', '2027-01-15T18:30:00Z'],
    ['week', '2027-01-17T18:30:00Z'],
    ['month', '2027-01-31T18:30:00Z'],
    ['year', '2027-12-31T18:30:00Z'],
  ] as const) {
    law(`a window of one ${calendar} ends when clocks in its zone say so`, async ({ spend, clock }) => {
      clock.now = Date.parse('2027-01-15T08:00:00Z');
      const { resetAfter } = await spend(three({ calendar, timeZone: 'Asia/Kolkata' }));
      assert.equal(new Date(clock.now + resetAfter).toISOString(), new Date(end).toISOString());
    });
  }

  law('another zone or anchor gives no second quota, and holds from the next window on', async ({ spend, clock }) => {
    clock.now = Date.parse('2027-01-15T08:00:00Z');
    const end = Date.parse('2027-01-31T23:00:00Z');
    await spend(three('month Europe/Berlin'), { cost: 3 });
    const tokyo = three({ calendar: 'month', timeZone: 'Asia/Tokyo', anchor: '2020-01-20T09:00' });
    for (const other of [tokyo, three('month'), three({ calendar: 'month', anchor: 16 })]) {
      const { allowed, retryAfter } = await spend(other);
      assert.deepEqual([allowed, retryAfter], [false, end - clock.now]);
    }
    clock.now = end;
    const { allowed, resetAfter } = await spend(tokyo);
    assert.deepEqual([allowed, resetAfter], [true, Date.parse('2027-02-20T00:00:00Z') - end]);
  });

  law('another unit is another quota, and so is a span of its length', async ({ spend, look }) => {
    await spend(three('day'), { cost: 3 });
    for (const other of ['hour', 'week', '1d'] as const) assert.equal((await look(three(other))).remaining, 3);
  });

  law('another limit keeps what has been used in a calendar window, and its end', async ({ spend, look }) => {
    const { resetAfter } = await spend(three('day'), { cost: 3 });
    const more = await look(three('day', { limit: 5 }));
    assert.deepEqual([more.remaining, more.resetAfter], [2, resetAfter]);
    assert.equal((await spend(three('day', { limit: 2 }))).allowed, false);
  });

  law('a request under calendar windows and spans is charged by all or by none', async ({ store, hit }) => {
    const policies = [three('day', { limit: 1 }), three('1d'), three('year Asia/Tokyo')];
    await store.consume(policies.map((policy) => hit(policy)));
    const denied = await store.consume(policies.map((policy) => hit(policy)));
    assert.deepEqual(
      denied.map(({ allowed, remaining }) => [allowed, remaining]),
      [
        [false, 0],
        [true, 2],
        [true, 2],
      ],
    );
  });

  law('a clock that goes back does not reopen a calendar window', async ({ spend, clock }) => {
    clock.now = Date.UTC(2027, 0, 15, 0, 0, 1);
    await spend(three('day'), { cost: 3 });
    clock.now -= 2_000;
    const { allowed, retryAfter } = await spend(three('day'));
    assert.deepEqual([allowed, retryAfter], [false, DAY + 1_000]);
  });

  law('a clock that jumps ahead and comes back leaves what was used in the present window', async (bench) => {
    const { spend, clock } = bench;
    const present = Date.UTC(2027, 0, 15, 12);
    clock.now = present + 400 * DAY;
    await spend(three('day'), { cost: 3 });
    clock.now = present;
    const { allowed, retryAfter } = await spend(three('day'));
    assert.deepEqual([allowed, retryAfter], [false, 12 * HOUR]);
    clock.now += retryAfter;
    assert.equal((await spend(three('day'))).allowed, true);
  });

  return laws;
}
