import { createHash } from 'node:crypto';
import type { Policy } from '../../core/policy.js';

/** Longer partitions are hashed: their text may be a caller's, and Redis would keep all of it. */
const LONGEST_PARTITION = 128;

/**
 * Where the state of a policy and key is stored: `rl:{user:42}:daily:fw86400000`.
 *
 * The partition is the hash tag, so all policies of one partition share a Cluster slot and are decided atomically.
 * It comes first and is escaped: no text of a caller's can choose its own tag or end up in another partition.
 */
export const stateKey = (prefix: string, policy: Policy, partition: string): string =>
  `${prefix}:{${partition}}:${policy.id}`;

/**
 * The key of a hit as text that is safe between braces, one to one: two different keys never give the same partition.
 * Plain ASCII without `%`, braces or controls stands as it is.
 */
export function partitionOf(key: string): string {
  if (key.length > LONGEST_PARTITION) return hashed(key);
  if (/^[!"$&-z|~][ !-$&-z|~]*$/.test(key)) return key;
  if (key === '') return '%';
  const escaped = Array.from(key, escape).join('');
  return escaped.length > LONGEST_PARTITION ? hashed(key) : escaped;
}

/** Of the code units, not of UTF-8, which writes every lone surrogate alike. */
const hashed = (key: string): string => `#${createHash('sha256').update(key, 'utf16le').digest('base64url')}`;

/** A leading `#` marks a hash, so text that begins with one is escaped too. */
function escape(character: string, at: number): string {
  const code = character.codePointAt(0)!;
  const plain = code >= 0x20 && code < 0x7f && !'%{}'.includes(character) && !(at === 0 && ' #'.includes(character));
  return plain ? character : `%${code.toString(16)};`;
}
