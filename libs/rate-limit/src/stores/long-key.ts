import { createHash } from 'node:crypto';

/** Longer keys are digested: their text may be a caller's, and all of it would be kept. */
export const LONGEST_KEY = 128;

/** Of the code units, not of UTF-8, which writes every lone surrogate alike. */
export const digestOf = (key: string): string => `#${createHash('sha256').update(key, 'utf16le').digest('base64url')}`;

/** A key as memory keeps it, one to one: a digest is made longer than any key that stands as it is. */
export const keptKey = (key: string): string =>
  key.length > LONGEST_KEY ? digestOf(key).padEnd(LONGEST_KEY + 1) : key;
