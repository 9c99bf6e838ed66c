import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import type { Held, HoldingStore } from '../../libs/rate-limit/src/core/holds/holding-store.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { Alarm, Alarms } from '../../libs/rate-limit/src/engine/holds/alarms.js';
import { KeptHolds } from '../../libs/rate-limit/src/engine/holds/kept-holds.js';
import { nextHoldId } from '../../libs/rate-limit/src/engine/holds/hold-id.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

/** A clock with a single timer, which moves when the test says so. */
class HandClock {
  now = 0;
  timers = 0;
  woken = 0;
  private next: { callback: () => void; at: number } | undefined;
  readonly alarms = new Alarms(
    () => this.now,
    (callback, ms) => {
      if (this.next) throw new Error('two timers at once');
      this.timers++;
      const own = (this.next = { callback, at: this.now + ms });
      return () => {
        if (this.next === own) this.next = undefined;
      };
    },
  );

  /** Lets `ms` pass, and everything that is due then happen. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await turn();
    while (this.next && this.next.at <= end) {
      const { callback, at } = this.next;
      this.next = undefined;
      this.now = at;
      this.woken++;
      callback();
      await turn();
    }
    this.now = end;
  }
}

class Noted extends Alarm {
  constructor(
    readonly number: number,
    private readonly rung: number[],
  ) {
    super();
  }

  ring(): void {
    this.rung.push(this.number);
  }
}

describe('alarms', () => {
  it('ring in the order in which they are due, each once, on one timer, whatever is set and cleared', async () => {
    const act = fc.record({ alarm: fc.nat(60), due: fc.integer({ min: 1, max: 50 }), isCleared: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 200, size: 'max' }), async (acts) => {
        const clock = new HandClock();
        const rung: number[] = [];
        const all = Array.from({ length: 61 }, (_, i) => new Noted(i, rung));
        const dues = new Map<number, number>();
        for (const { alarm, due, isCleared } of acts) {
          if (isCleared) {
            clock.alarms.clear(all[alarm]!);
            dues.delete(alarm);
          } else {
            clock.alarms.set(all[alarm]!, due);
            dues.set(alarm, due);
          }
        }
        expect(clock.alarms.size).toBe(dues.size);
        await clock.pass(50);
        expect(rung.map((alarm) => dues.get(alarm))).toEqual([...dues.values()].sort((a, b) => a - b));
        expect(new Set(rung).size).toBe(dues.size);
        expect(clock.alarms.size).toBe(0);
      }),
    );
  });

  it('that are cleared again and again start no timers', () => {
    const clock = new HandClock();
    const alarm = new Noted(0, []);
    for (let i = 0; i < 1_000; i++) {
      clock.alarms.set(alarm, 10_000 + i);
      clock.alarms.clear(alarm);
    }
    expect(clock.timers).toBe(1);
  });
});

const slots = definePolicy({ name: 'slots', algorithm: 'concurrency', limit: 5, lease: '30s' });
const tokens = definePolicy({ name: 'tokens', limit: 1_000, window: '1h' });

let clock: HandClock;
let memory: MemoryStore;
let isAway: boolean;
let calls: string[];
let warned: string[];
let kept: KeptHolds;
beforeEach(() => open());

function open(most?: number): void {
  clock = new HandClock();
  memory = new MemoryStore({ now: () => clock.now + 1_800_000_000_000 });
  isAway = false;
  calls = [];
  warned = [];
  const asked = async <T>(call: string, answer: () => Promise<T>): Promise<T> => {
    calls.push(`${clock.now} ${call}`);
    if (isAway) throw new StoreUnavailableError('away');
    return answer();
  };
  const store: HoldingStore = {
    consume: (hits) => memory.consume(hits),
    reset: (policy, key) => memory.reset(policy, key),
    settle: (held, cost) => asked(`settle ${held.policy.name} ${cost}`, () => memory.settle(held, cost)),
    renew: (held, ttl) => asked(`renew ${held.policy.name} ${ttl}`, () => memory.renew(held, ttl)),
    holds: (policy, key) => memory.holds(policy, key),
  };
  kept = new KeptHolds(store, {
    warn: (message) => void warned.push(message),
    alarms: clock.alarms,
    most,
    parting: 20,
  });
}

/** Takes a unit of each policy, as a request does. */
function take(policies = [slots], lease = 30_000, longest = Infinity, cost = 1) {
  const id = nextHoldId();
  const hold = { id, ttl: Math.min(lease, longest) };
  const [decision] = memory.consume(policies.map((policy) => ({ policy, key: 'a', cost, hold })));
  expect(decision).toMatchObject({ allowed: true });
  const helds: Held[] = policies.map((policy) => ({ policy, key: 'a', id, units: cost }));
  const own = kept.keep(helds, { lease, longest, sentAt: kept.now() });
  const lost: number[] = [];
  own.onLost = () => void lost.push(clock.now);
  return { hold: own, lost, id };
}

const used = (policy = slots) => policy.limit - memory.consume([{ policy, key: 'a', cost: 0 }])[0]!.remaining;

describe('a kept hold', () => {
  it('is renewed after a third of its lease until it is settled, on one timer for all', async () => {
    const { hold, lost } = take([slots, tokens]);
    take();
    await clock.pass(65_000);
    expect(calls.filter((call) => call.includes('tokens'))).toEqual(
      [10, 20, 30, 40, 50, 60].map((second) => `${second}000 renew tokens 30000`),
    );
    expect(clock.woken).toBe(6);
    expect(await hold.settle([0, 5])).toBe(true);
    calls.length = 0;
    await clock.pass(30_000);
    expect(calls.some((call) => call.includes('tokens'))).toBe(false);
    expect([used(), used(tokens)]).toEqual([1, 5]);
    expect(lost).toEqual([]);
  });

  it('is not renewed beyond its time, and then lost: the store frees it at that moment', async () => {
    const { lost, hold } = take([slots], 30_000, 25_000);
    await clock.pass(24_999);
    expect([used(), lost.length]).toEqual([1, 0]);
    await clock.pass(1);
    expect([used(), lost]).toEqual([0, [25_000]]);
    expect(calls).toEqual([]);
    expect(await hold.settle([0])).toBe(false);
    expect(hold.isLost).toBe(true);

    const longer = take([slots], 30_000, 45_000);
    await clock.pass(44_999);
    expect([used(), longer.lost.length]).toEqual([1, 0]);
    await clock.pass(1);
    expect([used(), longer.lost]).toEqual([0, [70_000]]);
  });

  it('lasts longer when it is extended', async () => {
    const { lost, hold } = take([slots], 30_000, 25_000);
    await clock.pass(20_000);
    expect(await hold.extend(60_000)).toBe(true);
    await clock.pass(59_999);
    expect([used(), lost.length]).toEqual([1, 0]);
    await clock.pass(1);
    expect([used(), lost]).toEqual([0, [80_000]]);
    expect(await hold.extend(60_000)).toBe(false);
  });

  it('survives a store that is away for less than its lease', async () => {
    const { lost, hold } = take();
    await clock.pass(9_000);
    isAway = true;
    await clock.pass(15_000);
    isAway = false;
    await clock.pass(60_000);
    expect([used(), lost.length]).toEqual([1, 0]);
    // A failed renewal is tried again after a twelfth of the lease, and no sooner.
    expect(calls.slice(0, 7).map((call) => parseInt(call))).toEqual([
      10_000, 12_500, 15_000, 17_500, 20_000, 22_500, 25_000,
    ]);
    expect(await hold.settle([0])).toBe(true);
  });

  it('is lost when its lease surely is over, and then renewed no more', async () => {
    const { lost } = take();
    await clock.pass(9_000);
    isAway = true;
    await clock.pass(100_000);
    expect(lost).toEqual([30_000]);
    expect(parseInt(calls.at(-1)!)).toBeLessThan(30_000);
    expect(clock.alarms.size).toBe(0);
    expect(warned).toEqual([]);
  });

  it('is lost when a part of it is freed, and what is left is still renewed', async () => {
    const { lost, id } = take([slots, tokens]);
    await memory.settle({ policy: slots, key: 'a', id }, 0);
    await clock.pass(21_000);
    expect(lost).toEqual([10_000]);
    expect(calls.filter((call) => call.startsWith('20000'))).toEqual(['20000 renew tokens 30000']);
  });

  it('refuses costs that are wrong, and stays open', async () => {
    const { hold } = take([tokens]);
    await expect(hold.settle([NaN])).rejects.toMatchObject({ code: 'RL_COST_INVALID' });
    await clock.pass(100_000);
    expect(await memory.holds(tokens, 'a')).toHaveLength(1);
    const mistakes: unknown[] = [];
    hold.finish([-1], (error) => mistakes.push(error));
    await clock.pass(100_000);
    // Nobody settles it any more, so it ends by itself.
    expect(mistakes).toMatchObject([{ code: 'RL_COST_INVALID' }]);
    expect(await memory.holds(tokens, 'a')).toHaveLength(0);
  });
});

describe('a settlement that the store does not answer', () => {
  it('is tried again, ever more rarely, and counts once', async () => {
    const { hold } = take([tokens], 30_000, Infinity, 10);
    isAway = true;
    await expect(hold.settle([3])).rejects.toThrow(StoreUnavailableError);
    await clock.pass(4_000);
    isAway = false;
    await clock.pass(20_000);
    expect(calls.map((call) => parseInt(call))).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300]);
    expect(used(tokens)).toBe(3);
    // The code that got the error asks again, and hears what became of it.
    expect([await hold.settle([3]), await hold.settle([3])]).toEqual([true, false]);
    expect(calls).toHaveLength(7);
    expect(warned).toEqual([]);
    expect(clock.alarms.size).toBe(0);
  });

  it('goes ahead as soon as another one is answered', async () => {
    const old = Array.from({ length: 9 }, () => take([tokens], 30_000, Infinity, 10).hold);
    isAway = true;
    for (const hold of old) hold.finish([1], () => undefined);
    await clock.pass(19_000);
    const young = take([tokens], 30_000, Infinity, 10).hold;
    young.finish([1], () => undefined);
    await clock.pass(50);
    isAway = false;
    calls.length = 0;
    // By themselves the old ones would try again at 21,300.
    await clock.pass(60);
    expect(calls.map((call) => parseInt(call))).toEqual(Array(10).fill(19_100));
    expect(used(tokens)).toBe(10);
    expect(clock.alarms.size).toBe(0);
  });

  it('may be called again with another cost, which then applies', async () => {
    const { hold } = take([tokens], 30_000, Infinity, 10);
    isAway = true;
    await expect(hold.settle([3])).rejects.toThrow();
    await expect(hold.settle([4])).rejects.toThrow();
    isAway = false;
    await clock.pass(1_000);
    expect(used(tokens)).toBe(4);
  });

  it('is given up when the hold is over, with one warning for all', async () => {
    const holds = [1, 2, 3].map(() => take([tokens], 30_000).hold);
    isAway = true;
    for (const hold of holds) hold.finish([0], () => undefined);
    await clock.pass(60_000);
    expect(Math.max(...calls.map((call) => parseInt(call)))).toBeLessThan(30_000);
    expect(warned).toEqual([
      'tokens: what a request has used could not be settled: the store did not answer before the hold ended. What was reserved for it stays charged.',
    ]);
    expect(clock.alarms.size).toBe(0);
  });

  it('is given up at once where too many wait', async () => {
    open(2);
    const holds = [1, 2, 3].map(() => take([tokens], 30_000).hold);
    isAway = true;
    for (const hold of holds) hold.finish([0], () => undefined);
    await clock.pass(0);
    expect(warned).toEqual([expect.stringContaining('2 others wait for the store already')]);
    isAway = false;
    await clock.pass(1_000);
    expect(used(tokens)).toBe(1);
  });

  it('is begun when the limiter closes in the same turn in which a response closed', async () => {
    const kept = new KeptHolds(new MemoryStore(), { warn: () => undefined });
    const ended: string[] = [];
    const closed = kept.close();
    setImmediate(() => kept.parting.add(() => ended.push('a call that runs on')));
    await closed;
    expect(ended).toEqual(['a call that runs on']);
  });

  it('is waited for when the limiter closes, and not for long', async () => {
    const first = take([tokens]).hold;
    isAway = true;
    first.finish([0], () => undefined);
    await clock.pass(3_000);
    isAway = false;
    const closed = kept.close();
    await turn();
    await clock.pass(10);
    await closed;
    expect(used(tokens)).toBe(0);

    open();
    const second = take([tokens]).hold;
    isAway = true;
    second.finish([0], () => undefined);
    await clock.pass(10);
    await kept.close();
    expect(clock.alarms.size).toBe(0);
    expect(warned).toEqual([expect.stringContaining('the limiter was closed first')]);
  });
});
