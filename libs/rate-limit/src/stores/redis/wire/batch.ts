import type { Clock } from '../../../core/clock.js';
import { StoreUnavailableError } from '../../../core/errors.js';
import { asUnavailable } from '../connection/failures.js';
import type { Deadlines, Waiting } from './deadlines.js';
import type { RedisRequest } from './request.js';
import type { ConsumeScript, ScriptReply } from './script.js';

/** The most that one script judges, so that it never holds Redis for long: a hit takes 2 to 4 µs. */
const HEAVIEST_BATCH = 64;

/** From so many on, what waits while nothing is under way leaves in halves: Redis judges one while we serve the other. */
const LEAST_TO_HALVE = 32;

/** The most commands on their way at once. A frozen server is owed little more than these; the rest waits here. */
const MOST_UNDER_WAY = 2;

/**
 * In milliseconds, from a batch's last deadline on: then its place is given to another. A client that sends nothing
 * twice may forget what was under way when its connection died, and never say so (ioredis with
 * autoResendUnfulfilledCommands: false and retries).
 */
const FORGOTTEN_AFTER = 2_000;

/**
 * Gathers requests into batches for one server, in order of arrival: what arrives in the same turn, or while the most
 * commands are under way, travels together. A lone request leaves at the end of its own turn.
 */
export class RedisBatches implements Waiting {
  private waiting: RedisRequest[] = [];
  private readonly underWay = new Set<readonly RedisRequest[]>();
  private scheduled = false;

  constructor(
    private readonly script: ConsumeScript,
    private readonly deadlines: Deadlines,
    private readonly now: Clock | undefined,
  ) {}

  add(request: RedisRequest): void {
    if (this.waiting.push(request) === 1) this.deadlines.watch(this);
    if (this.scheduled || this.underWay.size >= MOST_UNDER_WAY) return;
    this.scheduled = true;
    if (this.underWay.size === 0) queueMicrotask(this.send);
    else setImmediate(this.send);
  }

  /** When all that wait now have been answered, by Redis or by their deadlines. */
  async settled(): Promise<void> {
    await Promise.allSettled(
      [...this.underWay]
        .flat()
        .concat(this.waiting)
        .map(({ decisions }) => decisions),
    );
  }

  giveUpBy(now: number): number | undefined {
    let next = giveUp(this.waiting, now);
    for (const batch of this.underWay) {
      next = Math.min(next, giveUp(batch, now));
      if (batch.at(-1)!.deadline + FORGOTTEN_AFTER < now) this.underWay.delete(batch);
    }
    // While a server is frozen nothing is taken, and what is given up would pile up here.
    if (this.waiting[0]?.answered) this.waiting = this.waiting.filter((request) => !request.answered);
    if (!this.scheduled) this.send();
    return next === Infinity ? undefined : next;
  }

  private readonly send = (): void => {
    this.scheduled = false;
    while (this.waiting.length > 0 && this.underWay.size < MOST_UNDER_WAY) this.judge(this.takeBatch());
  };

  private takeBatch(): readonly RedisRequest[] {
    const { length } = this.waiting;
    const most = this.underWay.size === 0 && length >= LEAST_TO_HALVE ? Math.ceil(length / 2) : length;
    let taken = 0;
    let weight = 0;
    do weight += this.waiting[taken++]!.weight;
    while (taken < most && weight + this.waiting[taken]!.weight <= HEAVIEST_BATCH);
    const batch = this.waiting;
    this.waiting = batch.splice(taken);
    return batch;
  }

  private judge(batch: readonly RedisRequest[]): void {
    this.underWay.add(batch);
    this.ask(batch).then(
      ({ asked, reply }) => {
        this.makeWay(batch);
        // An answer that nobody waits for any more is none.
        if (asked.some((request) => !request.answered)) batch[0]!.server.answered();
        for (const request of asked) {
          const decisions = reply!.next(request);
          if (!request.answered) request.answer(decisions);
        }
      },
      (error: unknown) => {
        this.makeWay(batch);
        const failure = asUnavailable(error, this.script.client, batch[0]!.server.name);
        for (const request of batch) if (!request.answered) request.fail(failure);
      },
    );
  }

  /** The next batch leaves before this one's requests are served: Redis works while we do. */
  private makeWay(batch: readonly RedisRequest[]): void {
    this.underWay.delete(batch);
    if (!this.scheduled) this.send();
  }

  private async ask(batch: readonly RedisRequest[]): Promise<{ asked: readonly RedisRequest[]; reply?: ScriptReply }> {
    const { clock } = batch[0]!.server;
    if (!clock.known) {
      const sentAt = performance.now();
      clock.observe(await this.script.readClock(batch[0]!.keys[0]!), sentAt, performance.now());
    }
    // Too late by what we knew of the server's clock charges nothing and teaches us better, so it is tried once more.
    for (let attempt = 0; attempt < 2; attempt++) {
      const asked = batch.some(isAnswered) ? batch.filter((request) => !request.answered) : batch;
      if (asked.length === 0) return { asked };
      const sentAt = performance.now();
      const reply = await this.script.run(asked, this.now ? Math.floor(this.now()) : '', clock.at(asked[0]!.deadline));
      clock.observe(reply.server, sentAt, performance.now());
      if (reply.inTime) return { asked, reply };
    }
    throw new StoreUnavailableError('the request reached Redis too late and was not charged');
  }
}

const isAnswered = ({ answered }: RedisRequest): boolean => answered;

/** Gives up the first ones, which are due first, and says when the next one is. */
function giveUp(requests: readonly RedisRequest[], now: number): number {
  for (const request of requests) {
    if (request.answered) continue;
    if (request.deadline > now) return request.deadline;
    request.giveUp();
  }
  return Infinity;
}
