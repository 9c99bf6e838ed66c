import { nameOf, type RedisClient } from '../connection/client.js';
import { asUnavailable, tooSlow } from '../connection/failures.js';

/** Holds commands until they are answered or their deadline is over. */
export interface Waiting {
  /**
   * Gives up the commands that are due, and returns the next deadline.
   *
   * @param now on the monotonic clock, in milliseconds
   * @returns the next deadline; `undefined` when no command waits
   */
  giveUpBy(now: number): number | undefined;
}

/**
 * Gives up commands that were not answered in time. All have the same timeout, so the oldest is due first, and one timer,
 * set for the oldest, serves all of them.
 */
export class Deadlines {
  private readonly watched = new Set<Waiting>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly timeout: number) {}

  /** Checks it until no command waits there. */
  watch(waiting: Waiting): void {
    this.watched.add(waiting);
    if (!this.timer) this.arm(this.timeout);
  }

  private arm(delay: number): void {
    // Unreferenced: the callers' sockets keep the process alive, and a process with nothing else to do may end.
    // Node runs timers before it reads sockets. After a long turn, answers that are already there must be read first, so
    // the check waits for an immediate. The immediate is referenced: otherwise it would wait for the next event.
    const expire = (): void => void setImmediate(() => this.expire());
    this.timer = setTimeout(expire, Math.max(1, Math.ceil(delay))).unref();
  }

  private expire(): void {
    const now = performance.now();
    let next = Infinity;
    for (const waiting of this.watched) {
      const deadline = waiting.giveUpBy(now);
      if (deadline === undefined) this.watched.delete(waiting);
      else next = Math.min(next, deadline);
    }
    this.timer = undefined;
    if (this.watched.size > 0) this.arm(next - now);
  }
}

/**
 * Runs a single command with its own deadline.
 *
 * @param timeout in milliseconds
 * @throws StoreUnavailableError when there is no valid answer in time; the command may still take effect
 */
export async function inTime<T>(client: RedisClient, timeout: number, ask: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // As above: answers that are already there are read first.
    timer = setTimeout(() => setImmediate(() => reject(tooSlow(nameOf(client), timeout))), timeout);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch (error) {
    throw asUnavailable(error, client, nameOf(client));
  } finally {
    clearTimeout(timer);
  }
}
