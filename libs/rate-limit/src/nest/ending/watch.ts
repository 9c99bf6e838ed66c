import type { AnswerReader, CallOutcome } from './call-outcome.js';

/** What a watch reports about the end of a call. */
export interface EndEvents {
  /** The response is over: it was sent, or the client has gone. The handler may still run. */
  closed(): void;
  /** The response and the handler are over. Called once, after `closed`. */
  ended(outcome: CallOutcome): void;
  /** A reader of the answer, or one of these functions, threw this. It is reported nowhere else. */
  failed(error: unknown): void;
}

/** Waits for the end of one call, for something that is held until then. */
export class Watch {
  isGivenUp = false;
  private isClosed = false;
  private hasEnded = false;

  /** @param reader reads the answer. After it threw it is not used again, and finds nothing */
  constructor(
    readonly held: number,
    public reader: AnswerReader | undefined,
    private readonly events: EndEvents,
  ) {}

  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.safely(() => this.events.closed());
  }

  ended(outcome: CallOutcome): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.safely(() => this.events.ended(outcome));
  }

  read(piece: (reader: AnswerReader) => void): void {
    const { reader } = this;
    if (!reader || this.hasEnded) return;
    if (!this.safely(() => piece(reader))) this.reader = undefined;
  }

  found(): unknown {
    let found: unknown;
    this.read((reader) => (found = reader.found()));
    return found;
  }

  /** Nothing that goes wrong here may reach the request. */
  private safely(call: () => unknown): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.events.failed(error);
      return false;
    }
  }
}
