import { checkTimeout } from '../core/checks.js';
import type { LimitEntry } from '../core/limit-book.js';
import { canonicalKey, DEFAULT_IPV6_PREFIX } from '../engine/identity/ip-key.js';
import { connect, disconnect, type Connection } from '../stores/redis/connection/connection.js';
import { isClusterClient, type RedisClient } from '../stores/redis/connection/client.js';
import { DEFAULT_PREFIX, RedisStore } from '../stores/redis/redis.store.js';
import { timeOf } from '../stores/redis/scan.js';
import { inTime } from '../stores/redis/wire/deadlines.js';
import { StateKeys } from '../stores/redis/wire/keys.js';
import { WrongUse } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** Where Redis is and how its keys begin. */
export interface SessionOptions {
  readonly url: string;
  readonly prefix?: string | undefined;
  readonly timeout?: string | undefined;
  readonly ipv6Prefix?: string | undefined;
  readonly isCluster: boolean;
}

/** In milliseconds. Longer than a request's: an operator may be far away, and can wait. */
const PATIENCE = 2_000;

/** An open connection, and what is stored there. */
export class Session {
  readonly store: RedisStore;
  readonly keys: StateKeys;
  private entries: Promise<ReadonlyMap<string, LimitEntry | undefined>> | undefined;

  private constructor(
    private readonly connection: Connection,
    readonly timeout: number,
    prefix: string,
    private readonly ipv6Prefix: number,
    readonly terminal: Terminal,
  ) {
    this.store = new RedisStore(connection.client, { prefix, timeout });
    this.keys = new StateKeys(prefix);
  }

  /** @throws RateLimitError, StoreUnavailableError, WrongUse */
  static async open(options: SessionOptions, terminal: Terminal): Promise<Session> {
    const { url, prefix = DEFAULT_PREFIX, isCluster } = options;
    const timeout = options.timeout === undefined ? PATIENCE : Number(options.timeout);
    checkTimeout(timeout, '--timeout');
    const ipv6Prefix = options.ipv6Prefix === undefined ? DEFAULT_IPV6_PREFIX : Number(options.ipv6Prefix);
    if (!Number.isInteger(ipv6Prefix) || ipv6Prefix < 32 || ipv6Prefix > 128) {
      throw new WrongUse(`--ipv6-prefix must be a whole number from 32 to 128, got ${options.ipv6Prefix}`);
    }
    const location = isCluster ? { nodes: url.split(',').map((each) => each.trim()) } : url;
    // Why it cannot connect is part of the error of the first command.
    const connection = await connect(location, timeout, () => undefined);
    const session = new Session(connection, timeout, prefix, ipv6Prefix, terminal);
    try {
      await session.checkKind();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  get client(): RedisClient {
    return this.connection.client;
  }

  close(): Promise<void> {
    return disconnect(this.connection, Math.min(this.timeout, 1_000));
  }

  /** Runs a single command with a deadline. */
  ask<T>(ask: () => Promise<T>): Promise<T> {
    return inTime(this.client, this.timeout, ask);
  }

  /** The clock of Redis, in milliseconds since the epoch. */
  time(): Promise<number> {
    return this.ask(() => timeOf(this.client as RedisClient & { time(): Promise<string[]> }));
  }

  /** The key as the application has it: an IPv6 address is cut, and written in one way. */
  callerOf(key: string): string {
    const caller = canonicalKey(key, this.ipv6Prefix);
    if (caller !== key) this.terminal.note(`Callers of this address are counted as ${caller}.`);
    return caller;
  }

  /** The limits that are set, by name. */
  limits(): Promise<ReadonlyMap<string, LimitEntry | undefined>> {
    return (this.entries ??= this.store.limits.changesSince(0).then((changes) => changes?.entries ?? new Map()));
  }

  /** Refuses a single node of a Cluster: the keys of its other nodes would be missing without a warning. */
  private async checkKind(): Promise<void> {
    if (isClusterClient(this.client)) return;
    const { client } = this;
    const info = await this.ask(() =>
      (client as RedisClient & { info(part: string): Promise<string> }).info('cluster'),
    );
    if (/^cluster_enabled:1/m.test(info)) throw new WrongUse('this is a node of a Cluster: add --cluster');
  }
}
