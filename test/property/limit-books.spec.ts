import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  entryName,
  LIVE_MODES,
  partsOf,
  type LimitBook,
  type LimitEntry,
} from '../../libs/rate-limit/src/core/limit-book.js';
import { MemoryLimitBook } from '../../libs/rate-limit/src/stores/memory/memory.limit-book.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { BookReader } from '../support/book-reader.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

const NAMES = ['a:fw1000', 'a:fw1000\0k', 'b:tb1000', 'b:tb1000\0größe {x}'];
const READERS = 3;

const name = fc.constantFrom(...NAMES);
const limit = fc.integer({ min: 0, max: 999_999_999_999_999 });
const mode = fc.option(fc.constantFrom(...LIVE_MODES), { nil: undefined });
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('set' as const), name, limit, burst: fc.option(limit, { nil: undefined }), mode }),
    fc.record({ kind: fc.constant('remove' as const), name }),
    // By what a reader knows, which may be out of date.
    fc.record({ kind: fc.constant('raise' as const), name, by: fc.nat(READERS - 1), limit }),
    fc.record({ kind: fc.constant('look' as const), by: fc.nat(READERS - 1) }),
  ),
  { maxLength: 40 },
);

type Numbers = Pick<LimitEntry, 'limit' | 'burst' | 'mode'>;

describe.each([
  { kind: 'memory', open: (): LimitBook => new MemoryLimitBook() },
  {
    kind: 'redis',
    open: (): LimitBook =>
      new RedisStore(connectTo(sharedRedis().url), { prefix: randomUUID(), timeout: 10_000 }).limits,
  },
])('limits in $kind, whoever changes them and whenever somebody looks', ({ open }) => {
  afterAll(closeClients);

  it('are what the last writer made of them, for every reader that looks', async () => {
    const shared = open();
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (moments) => {
        const book = shared instanceof MemoryLimitBook ? new MemoryLimitBook() : await emptied(shared);
        const model = new Map<string, Numbers & { version: number }>();
        const readers = Array.from({ length: READERS }, () => new BookReader(book));
        for (const moment of moments) {
          if (moment.kind === 'look') {
            await readers[moment.by]!.look();
            expect(numbersOf(readers[moment.by]!.known)).toEqual(numbersOf(model));
            continue;
          }
          const held = model.get(moment.name);
          if (moment.kind === 'remove') {
            expect(await book.write(moment.name, undefined)).toEqual({ outcome: 'done', version: 0 });
            model.delete(moment.name);
            continue;
          }
          const expected =
            moment.kind === 'raise' ? (readers[moment.by]!.known.get(moment.name)?.version ?? 0) : undefined;
          const isSet = moment.kind === 'set';
          const numbers = {
            limit: isSet && moment.mode ? undefined : moment.limit,
            burst: isSet ? moment.burst : undefined,
            mode: isSet ? moment.mode : undefined,
          };
          const { outcome, version } = await book.write(moment.name, numbers, expected);
          const isLate = expected !== undefined && expected !== (held?.version ?? 0);
          expect(outcome).toBe(isLate ? 'changed' : 'done');
          if (isLate) {
            refused++;
            expect(version).toBe(held?.version ?? 0);
          } else {
            expect(version).toBeGreaterThan(Math.max(0, ...[...model.values()].map((entry) => entry.version)));
            model.set(moment.name, { ...numbers, version });
          }
        }
        for (const reader of readers) {
          await reader.look();
          expect(numbersOf(reader.known)).toEqual(numbersOf(model));
        }
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(10);
  });
});

/** The same book without its entries: its versions go on. */
async function emptied(book: LimitBook): Promise<LimitBook> {
  for (const each of NAMES) await book.write(each, undefined);
  return book;
}

const numbersOf = (model: ReadonlyMap<string, Numbers>): Record<string, Numbers> =>
  Object.fromEntries([...model].map(([name, { limit, burst, mode }]) => [name, { limit, burst, mode }]));

it('the name of an entry is its policy and key, one to one', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]{1,20}$/), fc.option(fc.string(), { nil: undefined }), (id, key) => {
      expect(partsOf(entryName(id, key))).toEqual({ id, key });
    }),
  );
});
