import type { Clock } from '../../../core/clock.js';
import type { Deadlines, Waiting } from './deadlines.js';
import type { Command } from './command.js';
import { Exchange } from './exchange.js';
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

/** What waits for it runs when the current turn is over, as with queueMicrotask(), which does more and takes longer. */
const TURN_END = Promise.resolve();

/**
 * Gathers commands into batches for one server, in order of arrival. Commands that arrive in the same turn, or while the
 * most batches are in flight, travel together. A lone command leaves at the end of its own turn.
 */
export class RedisBatches implements Waiting {
  private waiting: Command[] = [];
  private readonly underWay: Exchange[] = [];
  private scheduled = false;

  constructor(
    private readonly script: ConsumeScript,
    private readonly deadlines: Deadlines,
    private readonly now: Clock | undefined,
  ) {}

  add(command: Command): void {
    if (this.waiting.push(command) === 1) this.deadlines.watch(this);
    if (this.scheduled || this.underWay.length >= MOST_UNDER_WAY) return;
    this.scheduled = true;
    if (this.underWay.length === 0) void TURN_END.then(this.send);
    else setImmediate(this.send);
  }

  /** Resolves when all commands that wait now are answered, by Redis or by their deadlines. */
  async settled(): Promise<void> {
    await Promise.allSettled(
      this.underWay
        .flatMap(({ commands }) => commands)
        .concat(this.waiting)
        .map(({ answer }) => answer),
    );
  }

  giveUpBy(now: number): number | undefined {
    let next = giveUp(this.waiting, now);
    for (const exchange of [...this.underWay]) {
      next = Math.min(next, giveUp(exchange.commands, now));
      if (exchange.commands.at(-1)!.deadline + FORGOTTEN_AFTER < now) this.remove(exchange);
    }
    // While a server is frozen no batch is taken, and commands that were given up would pile up here.
    if (this.waiting[0]?.answered) this.waiting = this.waiting.filter((command) => !command.answered);
    if (!this.scheduled) this.send();
    return next === Infinity ? undefined : next;
  }

  private readonly send = (): void => {
    this.scheduled = false;
    while (this.waiting.length > 0 && this.underWay.length < MOST_UNDER_WAY) this.run(this.takeBatch());
  };

  private takeBatch(): readonly Command[] {
    const { length } = this.waiting;
    const most = this.underWay.length === 0 && length >= LEAST_TO_HALVE ? Math.ceil(length / 2) : length;
    let taken = 0;
    let weight = 0;
    do weight += this.waiting[taken++]!.weight;
    while (taken < most && weight + this.waiting[taken]!.weight <= HEAVIEST_BATCH);
    const batch = this.waiting;
    this.waiting = batch.splice(taken);
    return batch;
  }

  private run(commands: readonly Command[]): void {
    const exchange = new Exchange(commands, this.script, this.now, this.makeWay);
    this.underWay.push(exchange);
    exchange.start();
  }

  /** Lets the next batch leave in the place of this one. */
  private readonly makeWay = (exchange: Exchange): void => {
    if (this.remove(exchange) && !this.scheduled) this.send();
  };

  /** @returns whether it was in flight until now */
  private remove(exchange: Exchange): boolean {
    const place = this.underWay.indexOf(exchange);
    if (place >= 0) this.underWay.splice(place, 1);
    return place >= 0;
  }
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
