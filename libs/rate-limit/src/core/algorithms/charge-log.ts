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
  /** The place of the oldest charge that counts. Those before it are dropped later. */
  readonly first: number;
  /** The time and the sum of the oldest charge that counts, because most hits need no more of the old chunks. */
  readonly oldest: number;
  readonly freed: number;
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

export const lastTime = ({ last }: ChargeLog): number => last[last.length - 2]!;

/** The units of all charges that count. */
export const unitsOf = ({ total, freed }: ChargeLog): number => total - freed;

/** The charges after a time; the very same log if all are, `undefined` if none is. */
export function since(log: ChargeLog, time: number): ChargeLog | undefined {
  if (log.oldest > time) return log;
  const first = lastBelow(log, TIME, time + 1, log.first) + 1;
  if (first === lengthOf(log)) return undefined;
  const { full, last, total } = log;
  return { full, last, first, oldest: numberAt(log, first, TIME), freed: numberAt(log, first, SUM), total };
}

/** When the charge was made that must leave the window before this many units are free. */
export const timeOf = (log: ChargeLog, units: number): number =>
  units === 1 ? log.oldest : numberAt(log, lastBelow(log, SUM, log.freed + units, log.first), TIME);

/** The last place from `from` on whose number is below `bound`; `from - 1` if none is. It looks near `from` first. */
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
export const begun = (at: number, units: number): ChargeLog => ({
  full: NONE,
  last: [at, 0],
  first: 0,
  oldest: at,
  freed: 0,
  total: units,
});

/**
 * The log with one more charge.
 *
 * @param at not before the log's last time
 */
export function charged(log: ChargeLog, at: number, units: number): ChargeLog {
  const { full, last, first, oldest, freed } = log;
  if (log.total > Number.MAX_SAFE_INTEGER - units) return charged(rebased(log), at, units);
  const total = log.total + units;
  if (at === lastTime(log)) return { full, last, first, oldest, freed, total };

  const dead = Math.min(Math.floor(first / CHUNK), full.length);
  const isFull = last.length === 2 * CHUNK;
  // Dropping copies the list of chunks, so it waits until that pays.
  const drops = dead > 0 && (isFull || 2 * dead >= full.length);
  const chunks = drops ? full.slice(dead) : full;
  const place = drops ? first - dead * CHUNK : first;
  if (isFull) return { full: [...chunks, last], last: [at, log.total], first: place, oldest, freed, total };

  // A short log drops every charge that no longer counts.
  const skipped = chunks.length === 0 ? place : 0;
  const newest = withTwoMore(last, 2 * skipped, at, log.total);
  return { full: chunks, last: newest, first: place - skipped, oldest, freed, total };
}

/** The log without its newest `units`, which are fewer than all that count. */
export function givenBack(log: ChargeLog, units: number): ChargeLog {
  const { full, first, oldest, freed } = log;
  const total = log.total - units;
  const place = lastBelow(log, SUM, total, first);
  const chunk = Math.floor(place / CHUNK);
  const newest = chunk < full.length ? full[chunk]! : log.last;
  const chunks = chunk < full.length ? full.slice(0, chunk) : full;
  return { full: chunks, last: newest.slice(0, 2 * (place % CHUNK) + 2), first, oldest, freed, total };
}

/** Whether a charge of this moment is kept, and counts. */
export const hasChargeAt = (log: ChargeLog, time: number): boolean => placeAt(log, time) !== undefined;

function placeAt(log: ChargeLog, time: number): number | undefined {
  const place = lastBelow(log, TIME, time, log.first) + 1;
  return place < lengthOf(log) && numberAt(log, place, TIME) === time ? place : undefined;
}

/**
 * The log with `delta` units more, or fewer, in the charge of a moment; `undefined` if no charge is left. Takes as long as
 * the log is: every later sum changes.
 */
export function withMore(log: ChargeLog, time: number, delta: number): ChargeLog | undefined {
  const corrected = placeAt(log, time);
  let copy: ChargeLog | undefined;
  for (let i = log.first; i < lengthOf(log); i++) {
    const units = Math.max(0, unitsAt(log, i) + (i === corrected ? delta : 0));
    const at = numberAt(log, i, TIME);
    if (units > 0) copy = copy ? charged(copy, at, units) : begun(at, units);
  }
  return copy;
}

function unitsAt(log: ChargeLog, place: number): number {
  const sumAfter = place + 1 < lengthOf(log) ? numberAt(log, place + 1, SUM) : log.total;
  return sumAfter - numberAt(log, place, SUM);
}

/** The same charges with sums that begin at 0: sums must stay whole numbers. */
function rebased(log: ChargeLog): ChargeLog {
  let copy = begun(log.oldest, unitsAt(log, log.first));
  for (let i = log.first + 1; i < lengthOf(log); i++) copy = charged(copy, numberAt(log, i, TIME), unitsAt(log, i));
  return copy;
}

/** A copy from `from` on, with two more numbers. By a loop, because the language's ways take twice as long. */
function withTwoMore(chunk: Chunk, from: number, one: number, other: number): Chunk {
  const length = chunk.length - from;
  const copy = new Array<number>(length + 2);
  for (let i = 0; i < length; i++) copy[i] = chunk[from + i]!;
  copy[length] = one;
  copy[length + 1] = other;
  return copy;
}
