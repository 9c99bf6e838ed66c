import fc from 'fast-check';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { MemoryStore } from '../../libs/rate-limit/src/stores/memory/memory.store.js';

const FULL = -1_000;
const TOO_MUCH = 2_000;
const quota = { limit: 1_000, window: '1d' as const };
const blocking = definePolicy({ name: 'blocking', ...quota, blockFor: '1d' });
const policies = [
  definePolicy({ name: 'window', ...quota }),
  definePolicy({ name: 'log', ...quota, algorithm: 'sliding-log' }),
  blocking,
];
const KEYS = ['a', 'b', 'k'.repeat(200)];

const hits = fc
  .record({
    policy: fc.constantFrom(...policies),
    key: fc.constantFrom(...KEYS),
    cost: fc.constantFrom(1, 1, 1, 1, 0, FULL, TOO_MUCH),
  })
  .map((hit) => ({ ...hit, name: nameOf(hit.policy.name, hit.key) }));
const events = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.uniqueArray(hits, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
  },
  fc.record({
    call: fc.constantFrom('reset' as const, 'block' as const, 'unblock' as const),
    key: fc.constantFrom(...KEYS),
  }),
);

const nameOf = (what: string, key: string): string => `${what} of ${key.slice(0, 2)}`;

/** What is kept, the least recently used first. */
class Kept {
  private order: string[] = [];

  constructor(private readonly most: number) {}

  use(name: string): void {
    this.delete(name);
    if (this.order.push(name) > this.most) this.order.shift();
  }

  has = (name: string): boolean => this.order.includes(name);
  delete = (name: string): void => void (this.order = this.order.filter((other) => other !== name));
  names = (): string[] => [...this.order].sort();
}

/** Of the store, without using anything. */
const namesIn = (store: MemoryStore): string[] =>
  KEYS.flatMap((key) => [
    ...policies
      .filter((policy) => store['kept'].stateOf(policy, key) !== undefined)
      .map(({ name }) => nameOf(name, key)),
    ...(store['kept'].blockOf(blocking, key) ? [nameOf('block', key)] : []),
  ]).sort();

it('the memory store keeps exactly what was used last', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(events, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), async (all, maxKeys) => {
      const store = new MemoryStore({ now: () => 0, maxKeys });
      const kept = new Kept(maxKeys);
      for (const event of all) {
        if (Array.isArray(event)) {
          const known = event.map(({ policy, key, name }) => {
            const block = nameOf('block', key);
            return { isKept: kept.has(name), block: policy === blocking && kept.has(block) ? block : undefined };
          });
          const isDenied = event.some(({ cost }, i) => cost === TOO_MUCH || (cost > 0 && known[i]!.block));
          const decisions = store.consume(event);
          expect(decisions.some(({ allowed }) => !allowed)).toBe(isDenied);
          event.forEach(({ name, cost }, i) => {
            const { isKept, block } = known[i]!;
            if (!isDenied && cost === FULL) kept.delete(name);
            else if (isKept || (!isDenied && cost > 0)) kept.use(name);
            if (block) kept.use(block);
          });
        } else {
          const [state, block] = [nameOf('blocking', event.key), nameOf('block', event.key)];
          if (event.call === 'block') {
            await store.block(blocking, event.key, 1_000);
            if (kept.has(state)) kept.use(state);
            kept.use(block);
          } else {
            await store[event.call](blocking, event.key);
            kept.delete(block);
            if (event.call === 'reset') kept.delete(state);
          }
        }
        expect(namesIn(store)).toEqual(kept.names());
        expect(store.size).toBe(kept.names().length);
      }
    }),
    { numRuns: 200 },
  );
});
