/** Numbers in place of those that a policy is defined with. */
export interface LimitNumbers {
  /** The quota per window, in units. 0 denies everything. */
  readonly limit: number;
  /** The most units at once, `token-bucket` and `gcra` only. Left out: as the policy's definition says. */
  readonly burst?: number | undefined;
}

/** A limit as it stands in a book. */
export interface LimitEntry extends LimitNumbers {
  /** When it was written: larger than that of every earlier change of the book. */
  readonly version: number;
}

/** What became of a book since a version of it. */
export interface LimitChanges {
  /** The book's version now; 0: nothing was ever written, or all of it is lost. */
  readonly version: number;
  /** Whether `entries` are all there are; else they are those that changed. */
  readonly isWhole: boolean;
  /** By name; `undefined`: it was removed. */
  readonly entries: ReadonlyMap<string, LimitEntry | undefined>;
}

/** What became of a change. */
export interface LimitWriteResult {
  /** `changed`: the entry has another version than was expected; `full`: the book takes no more. Then nothing is done. */
  readonly outcome: 'done' | 'changed' | 'full';
  /** That of the entry now; 0: there is none. */
  readonly version: number;
}

/**
 * Where limits are kept that change while applications run, beside the quotas and apart from them: requests never wait
 * for it. An entry's name is a policy's id, or that and a key.
 */
export interface LimitBook {
  /** Whether other processes write to it too: then it must be looked at now and then. */
  readonly isShared: boolean;

  /**
   * What changed since a version that this method told; 0: all of it.
   *
   * @returns nothing when the book still has that version
   * @throws StoreUnavailableError when there is no answer in time
   */
  changesSince(version: number): Promise<LimitChanges | undefined>;

  /**
   * Writes an entry, or removes it, as one step: of two writers that expect the same version one is too late.
   *
   * @param numbers nothing: remove the entry
   * @param expected the version that the entry must have, 0 if there must be none; nothing: whatever it has
   * @throws StoreUnavailableError when there is no answer in time; it may be written then
   */
  write(name: string, numbers: LimitNumbers | undefined, expected?: number): Promise<LimitWriteResult>;
}

/** The most entries of a book: every instance keeps them all. */
export const MOST_LIMITS = 10_000;

/** A store that has a book beside its quotas. */
export const bookOf = (store: object | undefined): LimitBook | undefined => {
  const { limits } = (store ?? {}) as { limits?: Partial<LimitBook> };
  return typeof limits?.changesSince === 'function' && typeof limits.write === 'function'
    ? (limits as LimitBook)
    : undefined;
};

/** What an entry is called. No id holds a NUL. */
export const entryName = (policyId: string, key?: string): string =>
  key === undefined ? policyId : `${policyId}\0${key}`;

/** The id and the key in an entry's name. */
export function partsOf(name: string): { id: string; key: string | undefined } {
  const end = name.indexOf('\0');
  return end < 0 ? { id: name, key: undefined } : { id: name.slice(0, end), key: name.slice(end + 1) };
}
