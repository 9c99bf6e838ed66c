import type { Policy } from '../../../core/policy.js';
import { isInShadow } from '../../../core/shadow.js';
import { keyDigest, LONGEST_PLAIN_KEY } from '../../long-key.js';

/**
 * Where the state of a policy and key is stored: `rl:{user:42}:daily:fw86400000`.
 *
 * The partition is the hash tag, so all policies of one partition share a Cluster slot and are decided atomically.
 * It comes first and is escaped: text of a caller can neither choose its own tag nor end up in another partition.
 */
export class StateKeys {
  private readonly opening: string;
  /** The end of the last policy's keys: mostly the next hit is on the same policy. */
  private last: Policy | undefined;
  private ending = '';

  constructor(prefix: string) {
    this.opening = `${prefix}:{`;
  }

  /** @param partition what {@link partitionOf} made of the hit's key */
  of(policy: Policy, partition: string): string {
    if (policy !== this.last) {
      this.last = policy;
      this.ending = `}:${policy.id}`;
    }
    return this.opening + partition + this.ending;
  }
}

/** Where its blocks are stored: when it enforces, and in shadow. No policy's id ends so, or in `:holds`. */
export const blockKeys = (stateKey: string): readonly [block: string, inShadow: string] => [
  `${stateKey}:block`,
  `${stateKey}:shadow-block`,
];

/** Where its block is stored now. */
export const blockKey = (stateKey: string, policy: Policy): string => {
  const [block, inShadow] = blockKeys(stateKey);
  return isInShadow(policy) ? inShadow : block;
};

/** Where its holds are stored. */
export const holdsKey = (stateKey: string): string => `${stateKey}:holds`;

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
