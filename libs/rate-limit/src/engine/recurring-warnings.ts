/** In milliseconds: a problem that did not occur for this long is over. */
const QUIET = 60_000;

/** Warns of each kind of problem when it begins, and not again while it lasts. */
export class RecurringWarnings {
  private readonly lastOf = new Map<string, number>();

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param kind one of a few: each is kept */
  warnOnce(kind: string, message: () => string): void {
    const now = this.now();
    const last = this.lastOf.get(kind) ?? -Infinity;
    this.lastOf.set(kind, now);
    if (now - last >= QUIET) this.warn(message());
  }
}
