import {
  MOST_LIMITS,
  type LimitBook,
  type LimitChanges,
  type LimitEntry,
  type LimitNumbers,
  type LimitWritten,
} from '../../core/limit-book.js';
import { limitsScript } from './limits.script.js';
import { nameOf, type RedisClient } from './redis.client.js';
import { asUnavailable, tooSlow } from './redis.failures.js';

/** How many changes are told one by one. Whoever missed more reads the whole book. */
const LONGEST_LOG = 1_000;

/** In milliseconds: a year. Whoever looks begins it anew, once a day. */
const LIFE = 31_536_000_000;
const DAY = 86_400_000;

/** How many entries are read at once: some 50 kB. */
const PAGE = 500;

/** The field of the book that is no entry: no policy's id is without a colon. */
const VERSION = 'version';

/**
 * Keeps changed limits in Redis: a hash, and a log of its latest changes. To see that nothing changed is one HGET; what
 * changed is read by the log, and after a loss (a failover, a flush) the whole book is.
 */
export class RedisLimitBook implements LimitBook {
  readonly isShared = true;
  private readonly book: string;
  private readonly log: string;
  private renewedAt = -Infinity;

  /** @param timeout how long a command may take, in milliseconds */
  constructor(
    private readonly client: RedisClient,
    prefix: string,
    private readonly timeout: number,
  ) {
    // Of one slot; and no quota's key, which goes on with a policy's id.
    this.book = `${prefix}:{limits}`;
    this.log = `${prefix}:{limits}:log`;
  }

  async changesSince(version: number): Promise<LimitChanges | undefined> {
    const now = await this.inTime(() => this.client.hget(this.book, VERSION));
    if (now === null) return version === 0 ? undefined : { version: 0, isWhole: true, entries: new Map() };
    await this.renew();
    if (Number(now) === version) return undefined;
    return (await this.since(version)) ?? this.whole(Number(now));
  }

  async write(name: string, numbers: LimitNumbers | undefined, expected?: number): Promise<LimitWritten> {
    const text = numbers ? `${numbers.limit} ${numbers.burst ?? '-'}` : '';
    const args = [name, text, expected ?? '', MOST_LIMITS, LONGEST_LOG, LIFE].map(String);
    // With its text, for it is rarely run: then nobody need have loaded it.
    const written = await this.inTime(() => this.client.eval(limitsScript, 2, this.book, this.log, ...args));
    const [outcome, version] = written as [LimitWritten['outcome'], string];
    return { outcome, version: Number(version) };
  }

  /** By the log, if it still tells of that version. */
  private async since(version: number): Promise<LimitChanges | undefined> {
    if (version === 0) return undefined;
    const [own, ...later] = await this.inTime(() => this.client.zrangebyscore(this.log, version, '+inf'));
    if (!own?.startsWith(`${version} `) || later.length === 0) return undefined;
    const names = [...new Set(later.map((change) => change.slice(change.indexOf(' ') + 1)))];
    const texts = await this.inTime(() => this.client.hmget(this.book, ...names));
    const entries = new Map(names.map((name, i) => [name, entryOf(texts[i])]));
    return { version: Number.parseInt(later.at(-1)!, 10), isWhole: false, entries };
  }

  /** What changes while it is read has a later version than the one that was told first, and is read again by that. */
  private async whole(version: number): Promise<LimitChanges> {
    const entries = new Map<string, LimitEntry | undefined>();
    let cursor = '0';
    do {
      const from = cursor;
      const [next, found] = await this.inTime(() => this.client.hscan(this.book, from, 'COUNT', PAGE));
      for (let i = 0; i < found.length; i += 2) {
        if (found[i] !== VERSION) entries.set(found[i]!, entryOf(found[i + 1]));
      }
      cursor = next;
    } while (cursor !== '0');
    return { version, isWhole: true, entries };
  }

  private async renew(): Promise<void> {
    const now = performance.now();
    if (now - this.renewedAt < DAY) return;
    for (const key of [this.book, this.log]) await this.inTime(() => this.client.pexpire(key, LIFE));
    this.renewedAt = now;
  }

  private async inTime<T>(ask: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const giveUp = () => reject(tooSlow(nameOf(this.client), this.timeout));
      // Timers come before sockets: after a turn that took long, the answers that came meanwhile are read first.
      timer = setTimeout(() => setImmediate(giveUp), this.timeout);
    });
    try {
      return await Promise.race([ask(), late]);
    } catch (error) {
      throw asUnavailable(error, this.client, nameOf(this.client));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Nothing for what nobody of ours wrote. */
function entryOf(text: string | null | undefined): LimitEntry | undefined {
  const [, version, limit, burst] = /^(\d+) (\d+) (\d+|-)$/.exec(text ?? '') ?? [];
  if (version === undefined) return undefined;
  return { limit: Number(limit), burst: burst === '-' ? undefined : Number(burst), version: Number(version) };
}
