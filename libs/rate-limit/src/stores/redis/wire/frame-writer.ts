import type { Policy } from '../../../core/policy.js';
import type { ServerClock } from './clock.js';
import type { Command, RunWriter } from './command.js';
import { DEADLINES_SHARED_WITHIN, FRAME, OPCODE, type List, type Values } from './frame.js';
import { presentBy, type PolicyTexts } from './policy-texts.js';
import type { ExpectedReply } from './reply.js';

type Runs = readonly (string | number)[];

/** Commands that share a deadline: that of the first one, which is the soonest. */
interface Span {
  readonly deadline: number;
  /** Where its runs begin. */
  readonly at: number;
}

/** A batch as the script takes it, and what its reply will be like. */
export interface Frame extends ExpectedReply {
  /** How many of `keysAndArguments` are keys. */
  readonly keyCount: number;
  readonly keysAndArguments: readonly string[];
}

/** Writes a batch of any commands for the script, in the layout of frame.ts. */
export class FrameWriter implements Frame, RunWriter {
  readonly keyCount: number;
  readonly keysAndArguments: string[] = [];
  readonly numbers: number;
  private readonly policies: Policy[] = [];
  private readonly runs: (string | number)[] = [];
  private readonly spans: Span[] = [];
  /** Read once, and only for calendar windows. */
  private present: number | undefined;

  /**
   * @param now the time to judge by, or '' for the server's
   * @param clock the server's, by which a command may be too late; absent: no command is too late
   */
  constructor(
    commands: readonly Command[],
    private readonly texts: PolicyTexts,
    private readonly now: string,
    private readonly clock: ServerClock | undefined,
  ) {
    let numbers = 0;
    for (const command of commands) {
      command.addKeys(this.keysAndArguments);
      numbers += command.numbers;
    }
    this.numbers = numbers;
    this.keyCount = this.keysAndArguments.length;
    // The deadline is known after the runs.
    this.keysAndArguments.push('', now);
    this.writeRuns(commands);
    const runs = clock ? this.withDeadlines(clock) : this.runs;
    for (const entry of runs) this.keysAndArguments.push(String(entry));
  }

  placeOf(policy: Policy): number {
    const place = this.policies.indexOf(policy);
    if (place >= 0) return place + 1;
    if (policy.period.isCalendar) this.present ??= presentBy(this.now, this.clock);
    this.keysAndArguments.push(...this.texts.of(policy, this.present ?? 0));
    return this.policies.push(policy);
  }

  ruleOf({ blocks }: Policy): string {
    return blocks ? this.texts.ofRule(blocks) : '';
  }

  lifeOfHolds(policy: Policy): number {
    return this.texts.lifeOfHolds(policy);
  }

  atLeast(life: number): number {
    return this.texts.atLeast(life);
  }

  write<Name extends List>(_: Name, ...values: Values<Name>): void {
    this.runs.push(...values);
  }

  /** Commands that are alike, follow one another and share a deadline are one run. */
  private writeRuns(commands: readonly Command[]): void {
    let deadline = NaN;
    let last: Command | undefined;
    let count = 0;
    let at = 0;
    // Where the words of the run's commands are; 0: they have none.
    let own = 0;
    for (const command of commands) {
      const later = command.deadline - deadline;
      const isTogether = later >= 0 && later <= DEADLINES_SHARED_WITHIN;
      if (!isTogether) {
        ({ deadline } = command);
        this.spans.push({ deadline, at: this.runs.length });
      } else if (this.joins(command, last!, at, count)) {
        this.runs[at + FRAME.run.count] = ++count;
        last = command;
        if (own > 0) this.runs[own] = `${this.runs[own]!} ${command.own}`;
        continue;
      }
      last = command;
      count = 1;
      at = this.runs.length;
      this.write('run', command.opcode, count);
      command.writeTo(this);
      const text = command.own;
      own = text === undefined ? 0 : this.runs.push(text) - 1;
    }
  }

  /**
   * Whether a command may join the run that begins at this place. The second command decides whether all are under one
   * policy, or each under the next one.
   */
  private joins(command: Command, last: Command, at: number, count: number): boolean {
    const opcode = at + FRAME.run.opcode;
    const isEach = this.runs[opcode] === OPCODE.hitEach;
    if (!isEach && last.isLike(command)) return true;
    if ((!isEach && count > 1) || !command.isNextOf?.(last, this)) return false;
    this.runs[opcode] = OPCODE.hitEach;
    return true;
  }

  /** Writes the last deadline into the head, and where there are several, how much earlier each span's is. */
  private withDeadlines(clock: ServerClock): Runs {
    const { spans, runs } = this;
    if (spans.length === 1) {
      this.keysAndArguments[this.keyCount + FRAME.head.notAfter] = clock.textAt(spans[0]!.deadline);
      return runs;
    }
    const times = spans.map(({ deadline }) => clock.at(deadline));
    const last = Math.max(...times);
    this.keysAndArguments[this.keyCount + FRAME.head.notAfter] = String(last);
    return spans.flatMap(({ at }, i) => [...[OPCODE.deadline, last - times[i]!], ...runs.slice(at, spans[i + 1]?.at)]);
  }
}
