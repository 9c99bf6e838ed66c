import { createHash } from 'node:crypto';

/** Longer keys are stored as a digest. Their text may come from a caller, who could fill the store with it. */
export const LONGEST_PLAIN_KEY = 128;

/** Of the UTF-16 code units: in UTF-8 all lone surrogates look the same. */
export const keyDigest = (key: string): string => `#${createHash('sha256').update(key, 'utf16le').digest('base64url')}`;

/** The key that {@link keptKey} made this of; `undefined`: it is a digest, of which the key cannot be known. */
export const keyOfKept = (kept: string): string | undefined => (kept.length > LONGEST_PLAIN_KEY ? undefined : kept);

/** A key as memory keeps it. Two keys never give the same text: a digest is padded to be longer than any plain key. */
export const keptKey = (key: string): string =>
  key.length > LONGEST_PLAIN_KEY ? keyDigest(key).padEnd(LONGEST_PLAIN_KEY + 1) : key;
