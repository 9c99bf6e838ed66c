import type { Clock } from '../../../core/clock.js';
import { StoreUnavailableError } from '../../../core/errors.js';
import { asUnavailable } from '../connection/failures.js';
import type { Deadlines, Waiting } from './deadlines.js';
import type { Command } from './command.js';
import { ReadClock } from './commands/read-clock.js';
import type { Frame } from './frame-writer.js';
import { Reply } from './reply.js';
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
    if (batch[0]!.server.clock.known) this.ask(batch, batch, true);
    else this.readClock(batch);
  }

  private makeWay(batch: readonly Command[]): void {
    if (this.underWay.delete(batch) && !this.scheduled) this.send();
  }

  /** Without the server's clock no command has a deadline there. */
  private readClock(batch: readonly Command[]): void {
    const { server } = batch[0]!;
    const command = new ReadClock(batch[0]!.firstKey, server);
    this.exchange(batch, this.script.frameOf([command], ''), () => this.ask(batch, unanswered(batch), true));
  }

  /**
   * Sends commands of a batch.
   *
   * @param mayRepeat whether those that come too late are sent once more
   */
  private ask(batch: readonly Command[], commands: readonly Command[], mayRepeat: boolean): void {
    if (commands.length === 0) return this.makeWay(batch);
    const { clock } = commands[0]!.server;
    const frame = this.script.frameOf(commands, this.now ? Math.floor(this.now()) : '', clock);
    this.exchange(batch, frame, (reply) => {
      // The next batch leaves before this one's commands are answered, so that Redis works at the same time.
      if (reply.isInTime) this.makeWay(batch);
      const late = deliver(reply, commands);
      if (late.length === 0) return this.makeWay(batch);
      if (!mayRepeat) throw new StoreUnavailableError('the request reached Redis too late and was not charged');
      // It did nothing. Perhaps our estimate of the server's clock was wrong; the reply has corrected it.
      this.ask(batch, unanswered(late), false);
    });
  }

  /** Runs the script, and reads the server's clock from its reply. If anything fails, all commands of the batch do. */
  private exchange(batch: readonly Command[], frame: Frame, answered: (reply: Reply) => void): void {
    const { server } = batch[0]!;
    const failed = (error: unknown): void => {
      this.makeWay(batch);
      const failure = asUnavailable(error, this.script.client, server.name);
      for (const command of batch) if (!command.answered) command.fail(failure);
    };
    const sentAt = performance.now();
    const read = (found: unknown): void => {
      try {
        const reply = new Reply(found, frame);
        server.clock.observe(reply.server, sentAt, performance.now());
        answered(reply);
      } catch (error) {
        failed(error);
      }
    };
    this.script.run(frame, read, failed);
  }
}

const NONE: readonly Command[] = [];

/** Those that were not given up meanwhile. */
const unanswered = (commands: readonly Command[]): readonly Command[] =>
  commands.some(({ answered }) => answered) ? commands.filter(({ answered }) => !answered) : commands;

/** @returns the commands that came too late */
function deliver(reply: Reply, commands: readonly Command[]): readonly Command[] {
  let late = NONE as Command[];
  let isAwaited = false;
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i]!;
    if (reply.isInTime || !reply.isLate(command)) {
      if (command.take(reply)) isAwaited = true;
    } else {
      if (late.length === 0) late = [];
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
