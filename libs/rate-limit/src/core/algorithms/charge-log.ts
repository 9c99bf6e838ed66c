/**
 * Charges in the order of their times, oldest first: at least one. Plain data that never changes: adding to a log makes
 * a new one, which shares most of its chunks with the old one. So a charge costs the same however long the log is.
 *
 * In a chunk times alternate with sums: `at, sum, at, sum, …`. The sum is what was charged before, so a charge has
 * as many units as the next sum is higher. Times and sums rise strictly, and both are found by binary search.
 */
export interface ChargeLog {
  /** Chunks of {@link CHUNK} charges each, oldest first. */
  readonly full: readonly Chunk[];
  /** The newest charges: 1 to {@link CHUNK}. */
  readonly last: Chunk;
  /** The place of the oldest charge that counted when the log was made. Those before it are dropped sooner or later. */
  readonly first: number;
  /** The sum after the newest charge. */
  readonly total: number;
}

type Chunk = readonly number[];

/** Charges in a chunk: a power of 2. Each charge copies half of a chunk, and each full chunk the list of them. */
const CHUNK = 1 << 5;
const NONE: readonly Chunk[] = [];

// A charge is named by its place. Its time and its sum follow one another.
const TIME = 0;
const SUM = 1;

const lengthOf = ({ full, last }: ChargeLog): number => full.length * CHUNK + last.length / 2;

function numberAt({ full, last }: ChargeLog, place: number, part: number): number {
  const chunk = Math.floor(place / CHUNK);
  return (chunk < full.length ? full[chunk]! : last)[2 * (place % CHUNK) + part]!;
}

export const timeAt = (log: ChargeLog, place: number): number => numberAt(log, place, TIME);

export const lastTime = ({ last }: ChargeLog): number => last[last.length - 2]!;

/** The units of this charge and of all after it; 0 behind the last. */
export const unitsFrom = (log: ChargeLog, place: number): number =>
  place < lengthOf(log) ? log.total - numberAt(log, place, SUM) : 0;

/** The place of the oldest charge after a time; the log's length if there is none. */
export const firstAfter = (log: ChargeLog, time: number): number => lastBelow(log, TIME, time + 1, log.first) + 1;

/** The place of the charge that has the last of the oldest `units`, counted from `first` on. */
export const placeOf = (log: ChargeLog, first: number, units: number): number =>
  lastBelow(log, SUM, numberAt(log, first, SUM) + units, first);

/** The last place from `from` on whose number is less; `from - 1` if none is. It looks near `from` first. */
function lastBelow(log: ChargeLog, part: number, bound: number, from: number): number {
  let below = from - 1;
  let above = lengthOf(log);
  for (let step = 1; below + step < above; step *= 2) {
    if (numberAt(log, below + step, part) >= bound) above = below + step;
    else below += step;
  }
  while (above - below > 1) {
    const middle = (above + below) >> 1;
    if (numberAt(log, middle, part) < bound) below = middle;
    else above = middle;
  }
  return below;
}

/** A log of one charge. */
export const begun = (at: number, units: number): ChargeLog => ({ full: NONE, last: [at, 0], first: 0, total: units });

/**
 * With one more charge.
 *
 * @param first the place of the oldest charge that still counts
 * @param at not before the log's last time
 */
export function charged(log: ChargeLog, first: number, at: number, units: number): ChargeLog {
  const { last, total } = log;
  if (total > Number.MAX_SAFE_INTEGER - units) return charged(rebased(log, first), 0, at, units);
  if (at === lastTime(log)) return { full: log.full, last, first, total: total + units };

  const dead = Math.min(Math.floor(first / CHUNK), log.full.length);
  const isFull = last.length === 2 * CHUNK;
  // Dropping copies the list of chunks, so it waits until that pays.
  const drops = dead > 0 && (isFull || 2 * dead >= log.full.length);
  const full = drops ? log.full.slice(dead) : log.full;
  const from = drops ? first - dead * CHUNK : first;
  if (isFull) return { full: [...full, last], last: [at, total], first: from, total: total + units };

  // A short log drops every charge that no longer counts.
  const skipped = full.length === 0 ? from : 0;
  return { full, last: with2(last, 2 * skipped, at, total), first: from - skipped, total: total + units };
}

/** Less the newest units. Fewer than all that count from `first` on. */
export function givenBack(log: ChargeLog, first: number, units: number): ChargeLog {
  const total = log.total - units;
  const place = lastBelow(log, SUM, total, first);
  const chunk = Math.floor(place / CHUNK);
  const newest = chunk < log.full.length ? log.full[chunk]! : log.last;
  return {
    full: chunk < log.full.length ? log.full.slice(0, chunk) : log.full,
    last: newest.slice(0, 2 * (place % CHUNK) + 2),
    first,
    total,
  };
}

/** The same charges from `first` on, with sums that begin at 0: sums must stay whole numbers. */
function rebased(log: ChargeLog, first: number): ChargeLog {
  const units = (place: number): number => unitsFrom(log, place) - unitsFrom(log, place + 1);
  let copy = begun(timeAt(log, first), units(first));
  for (let i = first + 1; i < lengthOf(log); i++) copy = charged(copy, 0, timeAt(log, i), units(i));
  return copy;
}

/** A copy from `from` on with two more numbers. By hand, because the language's ways take twice as long. */
function with2(chunk: Chunk, from: number, one: number, other: number): Chunk {
  const length = chunk.length - from;
  const copy = new Array<number>(length + 2);
  for (let i = 0; i < length; i++) copy[i] = chunk[from + i]!;
  copy[length] = one;
  copy[length + 1] = other;
  return copy;
}
