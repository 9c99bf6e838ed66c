import type { Decision, Observer } from 'nestjs-redis-rate-limit';
import { hostname } from 'node:os';
import type { Config } from '../config.js';

/** How many things that happened are told. */
const REMEMBERED = 5;

export interface StoreState {
  readonly instance: string;
  readonly store: 'memory' | 'redis';
  /** Absent: this process's memory. */
  readonly place: string | undefined;
  readonly isAway: boolean;
  /** The latest first; `at` is the epoch in milliseconds. */
  readonly news: readonly { readonly at: number; readonly text: string }[];
}

/** What this instance knows of its store. The rate limiter tells it when the store fails, and when it answers again. */
export class StoreHealth implements Observer {
  readonly instance = `${hostname()}-${process.pid}`;
  private readonly place: string | undefined;
  private isAway = false;
  private readonly news: { at: number; text: string }[] = [];

  constructor({ redis }: Pick<Config, 'redis'>) {
    this.place = redis === undefined ? undefined : placeOf(redis);
  }

  storeFailed({ detail }: { detail: string }): void {
    this.isAway = true;
    this.tell(detail);
  }

  storeAnswers(away: number): void {
    this.isAway = false;
    this.tell(`Redis answers again. It was away for ${(away / 1_000).toFixed(1)} s.`);
  }

  /** Who decided: Redis, or this instance by itself. */
  deciderOf({ by }: Decision): string {
    if (this.place === undefined) return 'memory';
    return by === 'local' || by === 'open' ? 'this instance' : 'redis';
  }

  get state(): StoreState {
    const { instance, place, isAway, news } = this;
    return { instance, store: place === undefined ? 'memory' : 'redis', place, isAway, news };
  }

  private tell(text: string): void {
    this.news.unshift({ at: Date.now(), text });
    this.news.length = Math.min(this.news.length, REMEMBERED);
  }
}

/** Where Redis is, and never with which password. */
function placeOf(redis: NonNullable<Config['redis']>): string {
  if (typeof redis === 'string') return hostOf(redis);
  const { nodes, host, port } = redis as { nodes?: unknown[]; host?: string; port?: number };
  return nodes === undefined
    ? `${host ?? '127.0.0.1'}:${port ?? 6379}`
    : `the Cluster of ${nodes.map(hostOf).join(', ')}`;
}

const hostOf = (node: unknown): string =>
  typeof node === 'string' && URL.canParse(node) ? new URL(node).host : 'a node';
