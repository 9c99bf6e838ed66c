/** In milliseconds, so long without a trouble ends it. */
const QUIET = 60_000;

/** Tells of each kind of trouble when it begins, and no more while it lasts. */
export class Troubles {
  private readonly lastOf = new Map<string, number>();

  constructor(
    private readonly warn: (message: string) => void,
    private readonly now: () => number,
  ) {}

  /** @param kind one of a few: it is remembered */
  tell(kind: string, message: () => string): void {
    const now = this.now();
    const last = this.lastOf.get(kind) ?? -Infinity;
    this.lastOf.set(kind, now);
    if (now - last >= QUIET) this.warn(message());
  }
}
