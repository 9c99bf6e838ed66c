/** A call that waits. It sleeps until a moment, until it is woken, or until it is turned away. */
export class Caller {
  /** When its timeout ends, on the clock of {@link moment}. */
  readonly deadline: number;
  private refusal: { readonly error: unknown } | undefined;
  private wakeUp: (() => void) | undefined;
  private fail: ((error: unknown) => void) | undefined;
  private readonly aborted = (): void => this.turnAway(this.signal!.reason);

  /** @param number counts the callers, in order of arrival */
  constructor(
    readonly number: number,
    readonly cost: number,
    readonly timeout: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.deadline = moment() + timeout;
    signal?.addEventListener('abort', this.aborted, { once: true });
  }

  /** Its wait is over, so its signal has no effect any more. */
  depart(): void {
    this.signal?.removeEventListener('abort', this.aborted);
  }

  get isTurnedAway(): boolean {
    return this.refusal !== undefined;
  }

  /** What is left of its timeout, in whole milliseconds. */
  get left(): number {
    return Math.max(0, Math.floor(this.deadline - moment()));
  }

  /**
   * Its timer keeps the process alive, because its work is still to be done.
   *
   * @throws what {@link turnAway} was called with
   */
  async sleep(until: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const asleep = new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      const rest = () => {
        const left = until - moment();
        // A timer may end a part of a millisecond early.
        if (left > 0) timer = setTimeout(rest, Math.ceil(left));
        else resolve();
      };
      rest();
    });
    try {
      await this.unlessTurnedAway(asleep);
    } finally {
      clearTimeout(timer);
      this.wakeUp = undefined;
    }
  }

  /** Does nothing unless it sleeps. */
  wake(): void {
    this.wakeUp?.();
  }

  /** Ends its wait at once. The first error counts. */
  turnAway(error: unknown): void {
    this.refusal ??= { error };
    this.fail?.(this.refusal.error);
  }

  /** What `work` brings, unless the caller is turned away before that. */
  unlessTurnedAway<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.fail = undefined;
        // As it is: the reason of a signal may be anything.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(error);
      };
      if (this.refusal) return fail(this.refusal.error);
      this.fail = fail;
      work.then((result) => {
        this.fail = undefined;
        resolve(result);
      }, fail);
    });
  }
}

/** Milliseconds on a clock that never goes back. */
export const moment = (): number => performance.now();
