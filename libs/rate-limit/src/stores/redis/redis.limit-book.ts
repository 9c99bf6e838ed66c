import {
  MOST_LIMITS,
  type LimitBook,
  type LimitChanges,
  type LimitEntry,
  type LiveMode,
  type LimitNumbers,
  type LimitWriteResult,
} from '../../core/limit-book.js';
import { changesScript, limitsScript } from './limits.script.js';
import type { RedisClient } from './connection/client.js';
import { unexpectedReply } from './connection/failures.js';
import { inTime } from './wire/deadlines.js';

/** How many changes the log keeps. A reader that missed more reads the whole book. */
const LONGEST_LOG = 1_000;

/** In milliseconds: a year. Readers extend it, once a day. */
const LIFE = 31_536_000_000;
const DAY = 86_400_000;

/** In milliseconds: after this long without an answer a read counts as lost. Some clients never report it. */
const LOST_AFTER = 10_000;

/** The field of the book that is not an entry. Every policy's id contains a colon, so no entry has this name. */
const VERSION = 'version';

/**
 * Keeps changed limits in Redis: a hash, and a log of its latest changes. One HGET shows that nothing changed. Changes
 * are read from the log. After a loss (a failover, a flush) the whole book is read. Each is one step, as of one moment.
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
    // Both are in one slot. No quota has such a key: a quota's key continues with a policy's id.
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
    const text = numbers ? textOf(numbers) : '';
    const args = [name, text, expected ?? '', MOST_LIMITS, LONGEST_LOG, LIFE].map(String);
    // EVAL with the text: the script runs rarely, so it need not be loaded.
    const written = await this.inTime(() => this.client.eval(limitsScript, 2, this.book, this.log, ...args));
    if (!Array.isArray(written)) throw unexpectedReply(written);
    const [outcome, version] = written as [LimitWriteResult['outcome'], string];
    return { outcome, version: Number(version) };
  }

  /** One read at a time: a client with a queue would keep every read while its Redis is down. */
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

  /** What the log has since that version; `undefined` if the log no longer reaches that far. */
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

  /** Fails on a server that takes no writes now (a replica, a full disk), which can still be read. The next look tries again. */
  private async renew(): Promise<void> {
    const now = performance.now();
    if (now - this.renewedAt < DAY) return;
    try {
      for (const key of [this.book, this.log]) await this.inTime(() => this.client.pexpire(key, LIFE));
      this.renewedAt = now;
    } catch {
      // There is a year left to try again.
    }
  }

  private inTime<T>(ask: () => Promise<T>): Promise<T> {
    return inTime(this.client, this.timeout, ask);
  }
}

const textOf = ({ limit, burst, mode }: LimitNumbers): string =>
  `${limit ?? '-'} ${burst ?? '-'}${mode === undefined ? '' : ` ${mode}`}`;

/** `undefined` for text that this library did not write. */
function entryOf(text: string): LimitEntry | undefined {
  const [, version, limit, burst, mode] = /^(\d+) (\d+|-) (\d+|-)(?: (enforce|shadow))?$/.exec(text) ?? [];
  if (version === undefined) return undefined;
  return {
    limit: numberOf(limit!),
    burst: numberOf(burst!),
    mode: mode as LiveMode | undefined,
    version: Number(version),
  };
}

const numberOf = (text: string): number | undefined => (text === '-' ? undefined : Number(text));
