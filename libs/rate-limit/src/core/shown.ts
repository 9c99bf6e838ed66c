/** A value as error messages show it: short, on one line, and distinct from similar values ("5" from 5). */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return oneLine(`${value}n`);
  if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return oneLine(String(value));
  try {
    // In JSON it would be null.
    if (value instanceof Date && Number.isNaN(value.getTime())) return 'Invalid Date';
    return oneLine(JSON.stringify(value) ?? kindOf(value));
  } catch {
    return kindOf(value);
  }
}

/** The same for what must be a number. Environment variables are text, or missing, and then `Number()` of them is NaN. */
export function shownNumber(value: unknown): string {
  if (Number.isNaN(value)) return 'NaN (is an environment variable missing?)';
  const isText = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
  return `${shown(value)}${isText ? ' (it is text: use Number(…))' : ''}`;
}

/** The kind of a value, without its content, which may be a password. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value !== 'object' || value === null) return shown(value);
  try {
    if (Array.isArray(value)) return `a list of ${value.length}`;
    const prototype = Object.getPrototypeOf(value) as object | null;
    return prototype ? `an object of ${oneLine(prototype.constructor.name)}` : 'an object';
  } catch {
    // For example a revoked proxy.
    return 'an object that cannot be read';
  }
}

/** What an error says, as part of a message. Anything can be thrown, even a value that cannot be read. */
export function saidBy(error: unknown): string {
  try {
    return error instanceof Error ? oneLine(error.message) : shown(error);
  } catch {
    return kindOf(error);
  }
}

const LONGEST_SHOWN = 80;

/** Foreign text as part of a message: short, and without characters that could forge a line in a log. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, LONGEST_SHOWN + 1)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN - 1)}…` : line;
}

/** The first few of a list as part of a message, and how many more there are. */
export function few(texts: readonly string[], most = 3): string {
  const rest = texts.length - most;
  return `${texts.slice(0, most).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
