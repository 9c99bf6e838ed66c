import type { PolicyMode } from './policy.js';

/** Numbers that replace those of a policy's definition. */
export interface LimitNumbers {
  /** The quota per window, in units. 0 denies everything. Left out: as in the policy's definition. */
  readonly limit?: number | undefined;
  /** The most units at once, `token-bucket` and `gcra` only. Left out: as in the policy's definition. */
  readonly burst?: number | undefined;
  /** Whether the policy denies (`enforce`) or only reports (`shadow`). Left out: as in the policy's definition. */
  readonly mode?: LiveMode | undefined;
}

/** The modes that can be set at run time. */
export type LiveMode = Exclude<PolicyMode, 'record'>;
export const LIVE_MODES: readonly LiveMode[] = ['enforce', 'shadow'];

/** A limit as a book keeps it. */
export interface LimitEntry extends LimitNumbers {
  /** Larger than the version of every earlier change of the book. */
  readonly version: number;
}

/** What changed in a book since a version of it. */
export interface LimitChanges {
  /** The book's version now; 0: nothing was written yet, or everything was lost. */
  readonly version: number;
  /** Whether `entries` holds all entries of the book. Otherwise it holds those that changed. */
  readonly isWhole: boolean;
  /** By name; `undefined`: the entry was removed. */
  readonly entries: ReadonlyMap<string, LimitEntry | undefined>;
}

/** What a write did. */
export interface LimitWriteResult {
  /** `changed`: the entry has another version than expected. `full`: the book takes no more entries. Both write nothing. */
  readonly outcome: 'done' | 'changed' | 'full';
  /** The entry's version now; 0: there is no entry. */
  readonly version: number;
}

/**
 * Keeps limits that change while applications run. It is separate from the quotas: requests never wait for it. The name
 * of an entry is a policy's id, or the id and a key.
 */
export interface LimitBook {
  /** Whether other processes write to it too. If so, instances read it regularly. */
  readonly isShared: boolean;

  /**
   * What changed since a version that this method returned; 0: everything.
   *
   * @returns `undefined` when the book still has that version
   * @throws StoreUnavailableError when the book does not answer in time
   */
  changesSince(version: number): Promise<LimitChanges | undefined>;

  /**
   * Writes or removes an entry, atomically: of two writers that expect the same version, one is too late.
   *
   * @param numbers `undefined` removes the entry
   * @param expected the version that the entry must have; 0: there must be no entry; `undefined`: any
   * @throws StoreUnavailableError when the book does not answer in time; it may have written even so
   */
  write(name: string, numbers: LimitNumbers | undefined, expected?: number): Promise<LimitWriteResult>;
}

/** The most entries in a book, because every instance keeps all of them. */
export const MOST_LIMITS = 10_000;

/** The book of a store that has one beside its quotas. */
export const bookOf = (store: object | undefined): LimitBook | undefined => {
  const { limits } = (store ?? {}) as { limits?: Partial<LimitBook> };
  return typeof limits?.changesSince === 'function' && typeof limits.write === 'function'
    ? (limits as LimitBook)
    : undefined;
};

/** The name of an entry. No id contains a NUL. */
export const entryName = (policyId: string, key?: string): string =>
  key === undefined ? policyId : `${policyId}\0${key}`;

/** The id and the key that an entry's name was made of. */
export function partsOf(name: string): { id: string; key: string | undefined } {
  const end = name.indexOf('\0');
  return end < 0 ? { id: name, key: undefined } : { id: name.slice(0, end), key: name.slice(end + 1) };
}
