import {
  MOST_LIMITS,
  type LimitBook,
  type LimitChanges,
  type LimitEntry,
  type LimitNumbers,
  type LimitWriteResult,
} from '../../core/limit-book.js';
import { changesScript, limitsScript } from './limits.script.js';
import type { RedisClient } from './connection/client.js';
import { unexpectedReply } from './connection/failures.js';
import { inTime } from './wire/deadlines.js';

/** How many changes are told one by one. Whoever missed more reads the whole book. */
const LONGEST_LOG = 1_000;

/** In milliseconds: a year. Whoever looks begins it anew, once a day. */
const LIFE = 31_536_000_000;
const DAY = 86_400_000;

/** In milliseconds: a question without an answer for so long is taken for lost. Some clients never say so. */
const LOST_AFTER = 10_000;

/** The field of the book that is no entry: no policy's id is without a colon. */
const VERSION = 'version';

/**
 * Keeps changed limits in Redis: a hash, and a log of its latest changes. To see that nothing changed is one HGET; what
 * changed is read by the log, and after a loss (a failover, a flush) the whole book is, either as of one moment.
 */
export class RedisLimitBook implements LimitBook {
  readonly isShared = true;
  private readonly book: string;
  private readonly log: string;
  private renewedAt = -Infinity;
  private asked: { readonly at: number; readonly version: Promise<string | null> } | undefined;

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
    const now = Number((await this.inTime(() => this.askVersion())) ?? 0);
    if (now > 0) await this.renew();
    if (now === version) return undefined;
    return (await this.since(version)) ?? this.whole();
  }

  async write(name: string, numbers: LimitNumbers | undefined, expected?: number): Promise<LimitWriteResult> {
    const text = numbers ? `${numbers.limit} ${numbers.burst ?? '-'}` : '';
    const args = [name, text, expected ?? '', MOST_LIMITS, LONGEST_LOG, LIFE].map(String);
    // With its text, for it is rarely run: then nobody need have loaded it.
    const written = await this.inTime(() => this.client.eval(limitsScript, 2, this.book, this.log, ...args));
    if (!Array.isArray(written)) throw unexpectedReply(written);
    const [outcome, version] = written as [LimitWriteResult['outcome'], string];
    return { outcome, version: Number(version) };
  }

  /** Once, until it is answered: a client with a queue keeps every question for as long as its Redis is away. */
  private askVersion(): Promise<string | null> {
    const at = performance.now();
    if (this.asked && at - this.asked.at < LOST_AFTER) return this.asked.version;
    const asked = { at, version: this.client.hget(this.book, VERSION) };
    const answered = (): void => {
      if (this.asked === asked) this.asked = undefined;
    };
    asked.version.then(answered, answered);
    this.asked = asked;
    return asked.version;
  }

  /** By the log, if it tells of that version. */
  private async since(version: number): Promise<LimitChanges | undefined> {
    if (version === 0) return undefined;
    const told = await this.inTime(() => this.client.eval(changesScript, 2, this.book, this.log, String(version)));
    const [now, ...changes] = told as string[];
    if (now === undefined) return undefined;
    const entries = new Map<string, LimitEntry | undefined>();
    for (let i = 0; i < changes.length; i += 2) entries.set(changes[i]!, entryOf(changes[i + 1]!));
    return { version: Number(now), isWhole: false, entries };
  }

  private async whole(): Promise<LimitChanges> {
    const { [VERSION]: version = '0', ...told } = await this.inTime(() => this.client.hgetall(this.book));
    return {
      version: Number(version),
      isWhole: true,
      entries: new Map(Object.entries(told).map(([name, text]) => [name, entryOf(text)])),
    };
  }

  /** A server that takes no writes at the moment (a replica, a full disk) still tells what is set: the next look tries. */
  private async renew(): Promise<void> {
    const now = performance.now();
    if (now - this.renewedAt < DAY) return;
    try {
      for (const key of [this.book, this.log]) await this.inTime(() => this.client.pexpire(key, LIFE));
      this.renewedAt = now;
    } catch {
      // There is a year for it.
    }
  }

  private inTime<T>(ask: () => Promise<T>): Promise<T> {
    return inTime(this.client, this.timeout, ask);
  }
}

/** Nothing for what nobody of ours wrote. */
function entryOf(text: string): LimitEntry | undefined {
  const [, version, limit, burst] = /^(\d+) (\d+) (\d+|-)$/.exec(text) ?? [];
  if (version === undefined) return undefined;
  return { limit: Number(limit), burst: burst === '-' ? undefined : Number(burst), version: Number(version) };
}
