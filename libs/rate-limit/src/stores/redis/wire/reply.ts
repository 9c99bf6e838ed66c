import { unexpectedReply } from '../connection/failures.js';
import { FRAME, LATE } from './frame.js';

const BYTES_PER_NUMBER = 8;

/** What a reply will be like. */
export interface ExpectedReply {
  /** How many numbers the reply has behind the server's clock. */
  readonly numbers: number;
}

/**
 * The script's reply to a batch, read straight from its bytes. So a number costs Redis a fifth of a separate integer in the
 * reply, and the application even less.
 */
export class Reply {
  /** The server's clock, in milliseconds. */
  readonly server: number;
  /** Whether no command is late, so that none need be checked. */
  readonly isInTime: boolean;
  private readonly numbers: DataView;
  private readonly isTooLate: boolean;
  private at = BYTES_PER_NUMBER * FRAME.reply.LENGTH;

  /** @throws StoreUnavailableError for anything that is not a reply to what was sent */
  constructor(reply: unknown, { numbers }: ExpectedReply) {
    const size = Buffer.isBuffer(reply) ? reply.length : 0;
    const full = this.at + BYTES_PER_NUMBER * numbers;
    if (size !== full && size !== this.at) throw unexpectedReply(reply);
    const { buffer, byteOffset } = reply as Buffer;
    this.numbers = new DataView(buffer, byteOffset, size);
    const server = this.numbers.getFloat64(BYTES_PER_NUMBER * FRAME.reply.server, true);
    this.server = Math.abs(server);
    this.isTooLate = size !== full;
    this.isInTime = !this.isTooLate && server >= 0;
  }

  /** Whether the next command is late: it came after its deadline, or expected another calendar window. Nothing was done. */
  isLate({ numbers }: { readonly numbers: number }): boolean {
    return this.isTooLate || (!this.isInTime && numbers > 0 && this.numberAt(0) === LATE);
  }

  /** A number of the next command. */
  numberAt(place: number): number {
    return this.numbers.getFloat64(this.at + BYTES_PER_NUMBER * place, true);
  }

  /** Moves on to the next command. */
  skip(numbers: number): void {
    this.at += BYTES_PER_NUMBER * numbers;
  }
}
