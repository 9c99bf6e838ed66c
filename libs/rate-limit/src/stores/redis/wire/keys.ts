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
  readonly opening: string;
  /** The end of the last policy's keys: mostly the next hit is on the same policy. */
  private last: Policy | undefined;
  private ending = '';

  constructor(prefix: string) {
    this.opening = `${prefix}:{`;
  }

  /** The partition of a stored key and what follows it: a policy's id, and perhaps what stands beside its quota. */
  partsOf(stored: string): { partition: string; rest: string } | undefined {
    const end = stored.indexOf('}:', this.opening.length);
    if (!stored.startsWith(this.opening) || end < 0) return undefined;
    return { partition: stored.slice(this.opening.length, end), rest: stored.slice(end + 2) };
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

/** The endings of the keys that stand beside a quota's. No policy's id ends in one of them. */
export const BESIDE = { block: ':block', shadowBlock: ':shadow-block', holds: ':holds' } as const;

/** Where its blocks are stored: when it enforces, and in shadow. */
export const blockKeys = (stateKey: string): readonly string[] => [
  stateKey + BESIDE.block,
  stateKey + BESIDE.shadowBlock,
];

/** Where its block is stored now. */
export const blockKey = (stateKey: string, policy: Policy): string => stateKey + blockEnding(policy);

export const blockEnding = (policy: Policy): string => (isInShadow(policy) ? BESIDE.shadowBlock : BESIDE.block);

/** Where its holds are stored. */
export const holdsKey = (stateKey: string): string => stateKey + BESIDE.holds;

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

/**
 * The key that {@link partitionOf} made a partition of. `undefined`: it is a digest, of which the key cannot be known, or no
 * partition at all.
 */
export function keyOf(partition: string): string | undefined {
  if (isDigest(partition)) return undefined;
  const key = partition === '%' ? '' : partition.replace(/%([0-9a-f]{1,6});/g, unescaped);
  return partitionOf(key) === partition ? key : undefined;
}

/** Whether a partition is the digest of a long key. */
export const isDigest = (partition: string): boolean => /^#[\w-]{43}$/.test(partition);

const unescaped = (escaped: string, code: string): string => {
  const point = parseInt(code, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : escaped;
};

/** A leading `#` marks a digest, so text that begins with one is escaped too. */
function escape(character: string, at: number): string {
  const code = character.codePointAt(0)!;
  const plain = code >= 0x20 && code < 0x7f && !'%{}'.includes(character) && !(at === 0 && ' #'.includes(character));
  return plain ? character : `%${code.toString(16)};`;
}
