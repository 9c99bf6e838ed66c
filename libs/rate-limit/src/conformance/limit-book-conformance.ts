import assert from 'node:assert/strict';
import { MOST_LIMITS, type LimitBook, type LimitEntry, type LimitNumbers } from '../core/limit-book.js';
import type { StoreLaw } from './store-law.js';

/**
 * What every book of limits promises (see {@link LimitBook}), for any test runner, like `storeConformance` for stores.
 *
 * @param open returns an empty book; called once per check
 */
export function limitBookConformance(open: () => LimitBook | Promise<LimitBook>): StoreLaw[] {
  const laws: StoreLaw[] = [];
  const law = (sentence: string, check: (book: LimitBook) => Promise<void>) =>
    laws.push({ sentence: `limits: ${sentence}`, check: async () => check(await open()) });

  law('a new book has no changes', async (book) => {
    assert.equal(await book.changesSince(0), undefined);
  });

  law('changes report what was written, with its version', async (book) => {
    const version = await written(book, 'a', { limit: 5 });
    const second = await written(book, 'b', { limit: 7, burst: 9 });
    assert.ok(version > 0 && second > version);
    const third = await written(book, 'c', { mode: 'shadow' });
    const { entries, ...changes } = (await book.changesSince(0))!;
    assert.deepEqual(changes, { version: third, isWhole: true });
    assert.deepEqual(told(entries.get('a')), { limit: 5, burst: undefined, version });
    assert.deepEqual(told(entries.get('b')), { limit: 7, burst: 9, version: second });
    const { limit, mode, version: last } = entries.get('c')!;
    assert.deepEqual({ limit, mode, last }, { limit: undefined, mode: 'shadow', last: third });
    assert.equal(entries.size, 3);
  });

  law('there are no changes since the latest version', async (book) => {
    const version = await written(book, 'a', { limit: 5 });
    assert.equal(await book.changesSince(version), undefined);
  });

  law('a reader that applies the changes knows what the book holds', async (book) => {
    const reader = new Reader(book);
    for (const limit of [1, 2, 3]) {
      await written(book, 'a', { limit });
      await written(book, `b${limit}`, { limit });
      await reader.look();
      assert.equal(reader.entries.get('a')?.limit, limit);
      assert.equal(reader.entries.size, 1 + limit);
    }
    await book.write('a', undefined);
    await written(book, 'b1', { limit: 10 });
    await book.write('b2', undefined);
    await written(book, 'b2', { limit: 20 });
    await reader.look();
    assert.deepEqual(reader.limits(), { b1: 10, b2: 20, b3: 3 });
  });

  law('removing an entry that is not there changes nothing', async (book) => {
    assert.deepEqual(await book.write('a', undefined), { outcome: 'done', version: 0 });
    assert.equal(await book.changesSince(0), undefined);
    const version = await written(book, 'b', { limit: 1 });
    assert.deepEqual(await book.write('a', undefined), { outcome: 'done', version: 0 });
    assert.equal(await book.changesSince(version), undefined);
  });

  law('a writer that expects another version changes nothing, and learns the version', async (book) => {
    assert.deepEqual(await book.write('a', { limit: 1 }, 7), { outcome: 'changed', version: 0 });
    const version = await written(book, 'a', { limit: 1 }, 0);
    assert.deepEqual(await book.write('a', { limit: 2 }, 0), { outcome: 'changed', version });
    assert.deepEqual(await book.write('a', undefined, 0), { outcome: 'changed', version });
    const next = await written(book, 'a', { limit: 2 }, version);
    assert.deepEqual(await book.write('a', undefined, version), { outcome: 'changed', version: next });
    assert.deepEqual(await book.write('a', undefined, next), { outcome: 'done', version: 0 });
    assert.equal((await book.changesSince(0))?.entries.get('a'), undefined);
  });

  law('of many writers that expect the same version, one succeeds', async (book) => {
    const version = await written(book, 'a', { limit: 0 });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => book.write('a', { limit: i + 1 }, version)),
    );
    const won = outcomes.findIndex(({ outcome }) => outcome === 'done');
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'done').length, 1);
    assert.equal((await book.changesSince(0))?.entries.get('a')?.limit, won + 1);
  });

  law('versions never repeat, even for an entry that was removed and written again', async (book) => {
    const first = await written(book, 'a', { limit: 1 });
    await book.write('a', undefined);
    const second = await written(book, 'a', { limit: 1 });
    assert.ok(second > first);
    assert.deepEqual(await book.write('a', { limit: 2 }, first), { outcome: 'changed', version: second });
  });

  law('names can be any text, and numbers as large as limits can be', async (book) => {
    const names = ['p:fw1000\0user:42', 'p:fw1000\0', 'p:fw1000\0 a  b ', 'p:fw1000\0größe {x} %\n', '%s\0\0', '1 2 3'];
    for (const [i, name] of names.entries())
      await written(book, name, { limit: 999_999_999_999_999 - i, burst: i + 1 });
    const reader = new Reader(book);
    await reader.look();
    assert.deepEqual(
      names.map((name) => reader.entries.get(name)?.limit),
      names.map((_, i) => 999_999_999_999_999 - i),
    );
    for (const name of names) await book.write(name, undefined);
    await reader.look();
    assert.equal(reader.entries.size, 0);
  });

  law('a full book takes no new entry, and its entries can still be changed', async (book) => {
    const fill = Array.from({ length: MOST_LIMITS }, (_, i) => () => written(book, `n${i}`, { limit: i }));
    while (fill.length > 0) await Promise.all(fill.splice(0, 200).map((write) => write()));
    assert.deepEqual(await book.write('one more', { limit: 1 }), { outcome: 'full', version: 0 });
    await written(book, 'n7', { limit: 70 });
    await book.write('n8', undefined);
    await written(book, 'one more', { limit: 1 });
    const reader = new Reader(book);
    await reader.look();
    assert.equal(reader.entries.size, MOST_LIMITS);
    assert.deepEqual([reader.entries.get('n7')?.limit, reader.entries.get('n8')], [70, undefined]);
  });

  return laws;
}

/** Applies changes to what it knows, as an instance does. */
class Reader {
  entries = new Map<string, LimitEntry>();
  private version = 0;

  constructor(private readonly book: LimitBook) {}

  async look(): Promise<void> {
    const changes = await this.book.changesSince(this.version);
    if (!changes) return;
    if (changes.isWhole) this.entries = new Map();
    for (const [name, entry] of changes.entries) {
      if (entry) this.entries.set(name, entry);
      else this.entries.delete(name);
    }
    this.version = changes.version;
  }

  limits(): Record<string, number | undefined> {
    return Object.fromEntries([...this.entries].map(([name, { limit }]) => [name, limit]));
  }
}

async function written(book: LimitBook, name: string, numbers: LimitNumbers, expected?: number): Promise<number> {
  const { outcome, version } = await book.write(name, numbers, expected);
  assert.equal(outcome, 'done');
  return version;
}

/** An absent property and an undefined one count as the same. */
const told = (entry: LimitEntry | undefined) =>
  entry && { limit: entry.limit, burst: entry.burst, version: entry.version };
