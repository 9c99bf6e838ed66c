/** A sentence that is true of every store, and a check of it. */
export interface StoreLaw {
  /** For the test's name. No two laws have the same sentence. */
  readonly sentence: string;
  /** Opens a store and checks it. Rejects with an `AssertionError` of `node:assert` when the sentence is not true. */
  readonly check: () => Promise<void>;
}
