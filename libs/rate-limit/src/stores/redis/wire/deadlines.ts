import { nameOf, type RedisClient } from '../connection/client.js';
import { asUnavailable, tooSlow } from '../connection/failures.js';

/** Something that holds commands until they are answered, or until their time is over. */
export interface Waiting {
  /**
   * Gives up what is due, and says when the next one is.
   *
   * @param now on the monotonic clock, in milliseconds
   * @returns the next deadline; nothing when nobody waits
   */
  giveUpBy(now: number): number | undefined;
}

/**
 * Gives up what was not answered in time. All spans are alike, so what came first is due first, and one timer, armed
 * for the oldest, serves everything that waits.
 */
export class Deadlines {
  private readonly watched = new Set<Waiting>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly timeout: number) {}

  /** Looks after somebody until nobody waits there. */
  watch(waiting: Waiting): void {
    this.watched.add(waiting);
    if (!this.timer) this.arm(this.timeout);
  }

  private arm(delay: number): void {
    // Whoever waits holds a socket open; a process with nothing else to do need not wait for this.
    // Timers come before sockets: after a turn that took long, the answers that came meanwhile are read first.
    // That turn is not left to chance: an immediate that is not referenced would wait for the next event of any kind.
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
 * A command by itself, with a deadline of its own.
 *
 * @param timeout in milliseconds
 * @throws StoreUnavailableError when there is no answer in time, or one that is none; it may take effect all the same
 */
export async function inTime<T>(client: RedisClient, timeout: number, ask: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // As above: the answers that came meanwhile are read first.
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
