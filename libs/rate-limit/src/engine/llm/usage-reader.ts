import { partOf } from './answer-part.js';
import { fieldOf } from './field.js';
import { objectIn, SentObjects } from './sent-objects.js';
import { tokensIn } from './usage.js';
import { UsageTally, type LlmFound } from './usage-tally.js';

/** Reads what one answer says about tokens, while it is made and sent. */
export class UsageReader {
  private readonly made = new UsageTally();
  private readonly sent = new UsageTally();
  private readonly objects = new SentObjects((object) => this.sent.see(object));

  /** What the handler returned, or one item of its stream: an object, an event with `data`, or JSON text. */
  value(value: unknown): void {
    const object = typeof value === 'string' ? objectIn(value) : value;
    const data = fieldOf(object, 'data');
    // Of an event the data says more than its type, which may be that of the data.
    const inside = typeof data === 'string' ? objectIn(data) : data;
    this.made.see(partOf(inside) ? inside : object);
  }

  /** A piece of the bytes that are sent. */
  chunk(chunk: string | Uint8Array): void {
    this.objects.push(chunk);
  }

  /** `undefined` as long as nothing looked like the answer of a model. */
  found(): LlmFound | undefined {
    const sent = this.sent.copy();
    this.objects.copy((object) => sent.see(object)).end();
    return better(this.made.found(), sent.found());
  }
}

/**
 * The same answer may be seen twice. What was made counts if it has numbers: it also shows what began after the client
 * disconnected.
 */
function better(made: LlmFound | undefined, sent: LlmFound | undefined): LlmFound | undefined {
  if (!made || !sent) return made ?? sent;
  return tokensIn(made.usage) > 0 || tokensIn(sent.usage) === 0 ? made : sent;
}
