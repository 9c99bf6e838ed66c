import { types } from 'node:util';

/**
 * An id of a caller, as applications and databases have it: text, a finite number, a bigint, an ObjectId or a UUID
 * object, or bytes. Other objects count by their own `toString()`. `undefined` and `null` are not an id.
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
 * The text of an id, the same in every instance. `undefined` for values without a distinct text, such as `NaN`, a
 * boolean, a promise or a plain object: all of them would count as one caller.
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

/** An object that throws is not an id. It must not fail the request. */
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
  // A date is not an id, and all invalid dates have the same text.
  if (Array.isArray(value) || typeof value.then === 'function' || types.isDate(value)) return undefined;
  // By default, MongoDB's Binary reads its bytes as UTF-8, so two ids could have the same text.
  return value._bsontype === 'Binary' ? value.toString?.('hex') : value.toString?.();
}

const hexOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex');
