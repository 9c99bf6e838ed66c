/** A sentence that is true of every store, and the check that it is. */
export interface StoreLaw {
  /** For the test's name. Of all laws no two say the same. */
  readonly sentence: string;
  /** Opens a store and tries it. Rejects with an `AssertionError` of `node:assert` when the sentence is not true. */
  readonly check: () => Promise<void>;
}
