import type { Clock } from '../../../core/clock.js';
import { StoreUnavailableError } from '../../../core/errors.js';
import { asUnavailable } from '../connection/failures.js';
import type { Deadlines, Waiting } from './deadlines.js';
import type { Command } from './command.js';
import { ReadClock } from './commands/read-clock.js';
import type { Reply } from './reply.js';
import type { ConsumeScript } from './script.js';

/** The largest weight of a batch, so that a script never holds Redis for long: a weight of 1 takes 2 to 4 µs. */
const HEAVIEST_BATCH = 64;

/** If at least this many commands wait and no batch is in flight, they leave in halves: Redis judges one, we serve the other. */
const LEAST_TO_HALVE = 32;

/** The most batches in flight. A frozen server can charge little more than these later; the other commands wait here. */
const MOST_UNDER_WAY = 2;

/**
 * In milliseconds after a batch's last deadline: then another batch takes its place. A client that sends nothing twice may
 * forget what was in flight when its connection died, and never report it (ioredis with
 * autoResendUnfulfilledCommands: false and retries).
 */
const FORGOTTEN_AFTER = 2_000;

/**
 * Gathers commands into batches for one server, in order of arrival. Commands that arrive in the same turn, or while the
 * most batches are in flight, travel together. A lone command leaves at the end of its own turn.
 */
export class RedisBatches implements Waiting {
  private waiting: Command[] = [];
  private readonly underWay = new Set<readonly Command[]>();
  private scheduled = false;

  constructor(
    private readonly script: ConsumeScript,
    private readonly deadlines: Deadlines,
    private readonly now: Clock | undefined,
  ) {}

  add(command: Command): void {
    if (this.waiting.push(command) === 1) this.deadlines.watch(this);
    if (this.scheduled || this.underWay.size >= MOST_UNDER_WAY) return;
    this.scheduled = true;
    if (this.underWay.size === 0) queueMicrotask(this.send);
    else setImmediate(this.send);
  }

  /** Resolves when all commands that wait now are answered, by Redis or by their deadlines. */
  async settled(): Promise<void> {
    await Promise.allSettled(
      [...this.underWay]
        .flat()
        .concat(this.waiting)
        .map(({ answer }) => answer),
    );
  }

  giveUpBy(now: number): number | undefined {
    let next = giveUp(this.waiting, now);
    for (const batch of this.underWay) {
      next = Math.min(next, giveUp(batch, now));
      if (batch.at(-1)!.deadline + FORGOTTEN_AFTER < now) this.underWay.delete(batch);
    }
    // While a server is frozen no batch is taken, and commands that were given up would pile up here.
    if (this.waiting[0]?.answered) this.waiting = this.waiting.filter((command) => !command.answered);
    if (!this.scheduled) this.send();
    return next === Infinity ? undefined : next;
  }

  private readonly send = (): void => {
    this.scheduled = false;
    while (this.waiting.length > 0 && this.underWay.size < MOST_UNDER_WAY) this.run(this.takeBatch());
  };

  private takeBatch(): readonly Command[] {
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

  private run(batch: readonly Command[]): void {
    this.underWay.add(batch);
    this.ask(batch).then(
      () => this.makeWay(batch),
      (error: unknown) => {
        this.makeWay(batch);
        const failure = asUnavailable(error, this.script.client, batch[0]!.server.name);
        for (const command of batch) if (!command.answered) command.fail(failure);
      },
    );
  }

  private makeWay(batch: readonly Command[]): void {
    if (this.underWay.delete(batch) && !this.scheduled) this.send();
  }

  private async ask(batch: readonly Command[]): Promise<void> {
    const { server, keys } = batch[0]!;
    const { clock } = server;
    if (!clock.known) {
      const sentAt = performance.now();
      const reply = await this.script.run([new ReadClock(keys[0]!, server)], '');
      clock.observe(reply.server, sentAt, performance.now());
    }
    let late = batch;
    // A command that came too late did nothing. Perhaps our estimate of the server's clock was wrong; the reply corrects
    // it. So the command is tried once more.
    for (let attempt = 0; attempt < 2; attempt++) {
      const asked = late.some(isAnswered) ? late.filter((command) => !command.answered) : late;
      if (asked.length === 0) return;
      const sentAt = performance.now();
      const reply = await this.script.run(asked, this.now ? Math.floor(this.now()) : '', clock);
      clock.observe(reply.server, sentAt, performance.now());
      // The next batch leaves before this one's commands are answered, so that Redis works at the same time.
      if (reply.isInTime) this.makeWay(batch);
      late = deliver(reply, asked);
      if (late.length === 0) return;
    }
    throw new StoreUnavailableError('the request reached Redis too late and was not charged');
  }
}

const isAnswered = ({ answered }: Command): boolean => answered;

/** @returns the commands that came too late */
function deliver(reply: Reply, commands: readonly Command[]): readonly Command[] {
  const late: Command[] = [];
  let isAwaited = false;
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i]!;
    if (reply.isInTime || !reply.isLate(command)) {
      if (command.take(reply)) isAwaited = true;
    } else {
      late.push(command);
      reply.skip(command.numbers);
    }
  }
  if (isAwaited) commands[0]!.server.answered();
  return late;
}

/** Gives up the commands that are due (the first ones), and returns the next deadline. */
function giveUp(commands: readonly Command[], now: number): number {
  for (const command of commands) {
    if (command.answered) continue;
    if (command.deadline > now) return command.deadline;
    command.giveUp();
  }
  return Infinity;
}
