import type { Clock } from '../../core/clock.js';
import type { Decision } from '../../core/decision.js';
import { StoreUnavailableError } from '../../core/errors.js';
import type { ServerClock } from './redis.clock.js';
import type { RedisRequest } from './redis.request.js';
import type { ConsumeScript } from './redis.script.js';

/** The most that one script judges, so that it never holds Redis for long: a hit takes about 3 us. */
const HEAVIEST_BATCH = 64;

/** A log is searched, not read at once. */
const weightOf = ({ hits }: RedisRequest): number =>
  hits.reduce((sum, { policy }) => sum + (policy.algorithm === 'sliding-log' ? 4 : 1), 0);

/** The most commands on their way at once. A frozen server is owed no more than these; the rest waits here. */
const MOST_UNDER_WAY = 4;

/**
 * Gathers requests into batches for one server, in order of arrival: what arrives in the same turn, or while the most
 * commands are under way, travels together. A lone request leaves at the end of its own turn.
 */
export class RedisBatches {
  private waiting: RedisRequest[] = [];
  private underWay = 0;
  private scheduled = false;

  constructor(
    private readonly script: ConsumeScript,
    /** The clock of the server that answers now: on a Cluster another may take the slot over. */
    private readonly clockNow: () => ServerClock,
    private readonly now: Clock | undefined,
  ) {}

  add(request: RedisRequest): void {
    this.letGo();
    this.waiting.push(request);
    if (this.scheduled || this.underWay >= MOST_UNDER_WAY) return;
    this.scheduled = true;
    if (this.underWay === 0) queueMicrotask(() => this.send());
    else setImmediate(() => this.send());
  }

  private send(): void {
    this.scheduled = false;
    while (this.underWay < MOST_UNDER_WAY) {
      const batch = this.takeBatch();
      if (batch.length === 0) return;
      this.underWay++;
      void this.judge(batch).finally(() => {
        this.underWay--;
        if (!this.scheduled) this.send();
      });
    }
  }

  /** While a server is frozen nothing is taken, and what is given up would pile up here. */
  private letGo(): void {
    if (!this.waiting[0]?.answered) return;
    const next = this.waiting.findIndex(({ answered }) => !answered);
    this.waiting = next < 0 ? [] : this.waiting.slice(next);
  }

  /** What was given up while it waited is dropped here and never sent. */
  private takeBatch(): RedisRequest[] {
    const batch: RedisRequest[] = [];
    let taken = 0;
    for (let weight = 0; taken < this.waiting.length; taken++) {
      const request = this.waiting[taken]!;
      if (request.answered) continue;
      weight += weightOf(request);
      if (weight > HEAVIEST_BATCH && batch.length > 0) break;
      batch.push(request);
    }
    this.waiting = this.waiting.slice(taken);
    return batch;
  }

  private async judge(batch: readonly RedisRequest[]): Promise<void> {
    try {
      const clock = this.clockNow();
      if (!clock.known) {
        await observed(clock, async () => ({ server: await this.script.readClock(batch[0]!.keys[0]!) }));
      }
      // Too late by what we knew of the server's clock charges nothing and teaches us better, so it is tried once more.
      for (let attempt = 0; attempt < 2; attempt++) {
        const live = batch.filter(({ answered }) => !answered);
        if (live.length === 0) return;
        const notAfter = clock.at(live[0]!.deadline);
        const { decisions } = await observed(clock, () => this.script.run(live, this.now?.() ?? '', notAfter));
        if (decisions) return handOut(decisions, live);
      }
      throw new StoreUnavailableError('the request reached Redis too late and was not charged');
    } catch (error) {
      const failure = asUnavailable(error);
      for (const request of batch) if (!request.answered) request.fail(failure);
    }
  }
}

/** Every reply teaches us the server's clock. */
async function observed<R extends { server: number }>(clock: ServerClock, ask: () => Promise<R>): Promise<R> {
  const sentAt = performance.now();
  const reply = await ask();
  clock.observe(reply.server, sentAt, performance.now());
  return reply;
}

function handOut(decisions: readonly Decision[], requests: readonly RedisRequest[]): void {
  let next = 0;
  for (const request of requests) {
    const own = decisions.slice(next, (next += request.hits.length));
    if (!request.answered) request.answer(own);
  }
}

export function asUnavailable(error: unknown): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const message = error instanceof Error ? error.message : String(error);
  // ioredis' words for it are about its queues.
  const away = /Stream isn't writeable|Connection is closed/.test(message);
  const cluster = /^(CROSSSLOT|MOVED)/.test(message) ? ' (this is a Cluster: connect with { nodes: [...] })' : '';
  const detail = away ? 'Redis is not connected' : `Redis cannot decide: ${message}${cluster}`;
  return new StoreUnavailableError(detail, { cause: error });
}
