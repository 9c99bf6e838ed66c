/** The most policies outside the catalogue that are counted by name. Code may make up any number of names. */
export const MOST_POLICIES = 1_000;

/** The name under which all further policies are counted together. */
export const OTHER = 'other';

/** Something for each policy, made when it is first asked for. */
export class ByPolicy<T> {
  private readonly known = new Map<string, T>();
  private room = MOST_POLICIES;

  /** @param catalogue names that are always counted by themselves */
  constructor(
    private readonly catalogue: ReadonlySet<string>,
    private readonly make: () => T,
  ) {}

  of(policy: string): T {
    return this.known.get(policy) ?? this.added(policy);
  }

  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.known.entries();
  }

  private added(policy: string): T {
    if (policy !== OTHER && !this.catalogue.has(policy)) {
      if (this.room === 0) return this.of(OTHER);
      this.room--;
    }
    const made = this.make();
    this.known.set(policy, made);
    return made;
  }
}
