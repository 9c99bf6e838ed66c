import type { Clock } from '../../../core/clock.js';
import { StoreUnavailableError } from '../../../core/errors.js';
import { asUnavailable } from '../connection/failures.js';
import type { ServerClock } from './clock.js';
import type { Command } from './command.js';
import { ReadClock } from './commands/read-clock.js';
import type { Frame } from './frame-writer.js';
import { Reply } from './reply.js';
import type { ConsumeScript } from './script.js';

/** The most times that a command is sent. A late command did nothing. */
const MOST_ATTEMPTS = 2;

/**
 * A batch in flight: one call of the script. Before the first call to a server there is one that reads its clock. A command
 * is late if it came after its deadline, or if it expected another calendar window. Late commands are sent once more. In the
 * end every command is answered.
 */
export class Exchange {
  // Of the last call. Declared only: a field with an initial value would be written twice.
  declare private asked: readonly Command[];
  declare private frame: Frame;
  declare private sentAt: number;
  /** How many calls had commands of the batch: 0 while the clock is read. */
  private attempts = 0;

  /**
   * @param now the clock that judges; absent: Redis'
   * @param over called when the next batch may leave, perhaps several times
   */
  constructor(
    readonly commands: readonly Command[],
    private readonly script: ConsumeScript,
    private readonly now: Clock | undefined,
    private readonly over: (exchange: Exchange) => void,
  ) {}

  start(): void {
    const { server, firstKey } = this.commands[0]!;
    try {
      if (server.clock.known) this.ask(this.commands);
      else this.send([new ReadClock(firstKey, server)], undefined);
    } catch (error) {
      // An injected clock may throw.
      this.failed(error);
    }
  }

  private ask(commands: readonly Command[]): void {
    const waiting = unanswered(commands);
    if (waiting.length === 0) return this.over(this);
    this.attempts++;
    this.send(waiting, waiting[0]!.server.clock);
  }

  /** @param clock the server's, by which a command may be too late; absent: no command is too late */
  private send(commands: readonly Command[], clock: ServerClock | undefined): void {
    this.asked = commands;
    this.frame = this.script.frameOf(commands, this.now ? Math.floor(this.now()) : '', clock);
    this.sentAt = performance.now();
    this.script.run(this.frame, this.answered, this.failed);
  }

  private readonly answered = (found: unknown): void => {
    try {
      const reply = new Reply(found, this.frame);
      const { server } = this.commands[0]!;
      const answeredAt = performance.now();
      server.clock.observe(reply.server, this.sentAt, answeredAt);
      if (this.attempts === 0) return this.ask(this.commands);
      const duration = answeredAt - this.sentAt;
      server.reports.batchAnswered?.({ server: server.name, size: this.asked.length, duration });
      // The next batch leaves before this one's commands are answered, so that Redis works at the same time.
      if (reply.isInTime) this.over(this);
      const late = deliver(reply, this.asked);
      if (late.length === 0) return this.over(this);
      if (this.attempts === MOST_ATTEMPTS) {
        throw new StoreUnavailableError('the request reached Redis too late and was not charged', { type: 'timeout' });
      }
      // Probably our estimate of the server's clock was wrong. The reply has corrected it.
      this.ask(late);
    } catch (error) {
      this.failed(error);
    }
  };

  private readonly failed = (error: unknown): void => {
    this.over(this);
    const failure = asUnavailable(error, this.script.client, this.commands[0]!.server.name);
    for (const command of this.commands) if (!command.answered) command.fail(failure);
  };
}

/** The commands that were not given up meanwhile. */
const unanswered = (commands: readonly Command[]): readonly Command[] =>
  commands.some(isAnswered) ? commands.filter((command) => !command.answered) : commands;

const isAnswered = ({ answered }: Command): boolean => answered;

const NONE: readonly Command[] = [];

/** @returns the late commands */
function deliver(reply: Reply, commands: readonly Command[]): readonly Command[] {
  let late: Command[] | undefined;
  let isAwaited = false;
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i]!;
    if (reply.isInTime || !reply.isLate(command)) {
      if (command.take(reply)) isAwaited = true;
    } else {
      (late ??= []).push(command);
      reply.skip(command.numbers);
    }
  }
  if (isAwaited) commands[0]!.server.answered();
  return late ?? NONE;
}
