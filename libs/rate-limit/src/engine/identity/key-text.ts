import { types } from 'node:util';

/**
 * What names a caller, as applications and databases have it: text, a finite number, a bigint, an ObjectId or a UUID
 * object, or bytes. Other objects count by a `toString()` of their own. `undefined`, `null` and `''` name nobody.
 */
export type Identity =
  | string
  | number
  | bigint
  | Uint8Array
  | {
      /** As an ObjectId has. */
      toHexString(): string;
    }
  | null
  | undefined;

/**
 * The text of a value that names a caller: the same for the same id, in every instance. `undefined` where there is none,
 * as of `NaN`, a boolean, a promise or a plain object: all of those would be one caller.
 */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'object' && value !== null ? textOfObject(value) : undefined;
}

interface Readable {
  readonly _bsontype?: unknown;
  then?: unknown;
  toHexString?: () => unknown;
  toString?: (encoding?: 'hex') => unknown;
}

/** Whatever the object does, it is no error: a request does not fail on our account. */
function textOfObject(value: object): string | undefined {
  try {
    if (ArrayBuffer.isView(value)) return hexOf(value) || undefined;
    const text = spelledOut(value);
    return typeof text === 'string' && text !== '' && !text.startsWith('[object ') ? text : undefined;
  } catch {
    return undefined;
  }
}

function spelledOut(value: Readable): unknown {
  if (typeof value.toHexString === 'function') return value.toHexString();
  // A date is nobody's id, and all invalid ones have one text.
  if (Array.isArray(value) || typeof value.then === 'function' || types.isDate(value)) return undefined;
  // MongoDB's Binary reads its bytes as UTF-8 unless it is asked for another text: two ids could be one text.
  return value._bsontype === 'Binary' ? value.toString?.('hex') : value.toString?.();
}

const hexOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex');
