import { createHash } from 'node:crypto';

const LONGEST = 128;

/** A long key as memory keeps it: its beginning, to recognise it, and a digest. A caller may have written its text. */
export const shortKey = (key: string): string =>
  key.length <= LONGEST ? key : `${key.slice(0, LONGEST - 24)}…#${digestOf(key)}`;

/** A short digest that stands for a key, the same in all processes. Anybody who can guess a key can compute its digest. */
export const digestOf = (key: string): string =>
  createHash('sha256').update(key, 'utf16le').digest('base64url').slice(0, 16);
