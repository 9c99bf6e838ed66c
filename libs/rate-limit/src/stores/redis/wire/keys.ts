import type { Policy } from '../../../core/policy.js';
import { keyDigest, LONGEST_PLAIN_KEY } from '../../long-key.js';

/**
 * Where the state of a policy and key is stored: `rl:{user:42}:daily:fw86400000`.
 *
 * The partition is the hash tag, so all policies of one partition share a Cluster slot and are decided atomically.
 * It comes first and is escaped: text of a caller can neither choose its own tag nor end up in another partition.
 */
export const stateKey = (prefix: string, policy: Policy, partition: string): string =>
  `${prefix}:{${partition}}:${policy.id}`;

/** Where its block is stored. No policy's id ends in `:block`. */
export const blockKey = (stateKey: string): string => `${stateKey}:block`;

/**
 * The key of a hit as text that is safe between braces, one to one: two different keys never give the same partition.
 * Plain ASCII without `%`, braces or control characters stays as it is.
 */
export function partitionOf(key: string): string {
  if (key.length > LONGEST_PLAIN_KEY) return keyDigest(key);
  if (/^[!"$&-z|~][ !-$&-z|~]*$/.test(key)) return key;
  if (key === '') return '%';
  const escaped = Array.from(key, escape).join('');
  return escaped.length > LONGEST_PLAIN_KEY ? keyDigest(key) : escaped;
}

/** A leading `#` marks a digest, so text that begins with one is escaped too. */
function escape(character: string, at: number): string {
  const code = character.codePointAt(0)!;
  const plain = code >= 0x20 && code < 0x7f && !'%{}'.includes(character) && !(at === 0 && ' #'.includes(character));
  return plain ? character : `%${code.toString(16)};`;
}
