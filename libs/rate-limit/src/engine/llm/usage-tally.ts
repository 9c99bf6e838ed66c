import { partOf, type AnswerPart } from './answer-part.js';
import { updated, usageIn, type Counts } from './counts.js';
import { NOTHING, sumOf, tokensIn, type LlmUsage } from './usage.js';

/** What is known of the tokens that an answer used. */
export interface LlmFound {
  /** What was used so far. */
  readonly usage: LlmUsage;
  /** Whether that is all of it. `false` if an answer of a model began whose final usage has not come. */
  readonly isComplete: boolean;
}

/** Of more answers than this in one request the oldest is added up: a later report on it would count as another answer. */
const MOST_ANSWERS = 32;

/** Without an id there is one answer: the later report wins. */
const NO_ID = '';

/**
 * Adds up what the objects of an answer say about tokens. Reports on one answer of a model, by its id, replace each
 * other. Different answers are added: an agent calls its model several times.
 */
export class UsageTally {
  private answers = new Map<string, { readonly counts: Counts; readonly isEnded: boolean }>();
  /** What is not in `answers` any more. */
  private added = NOTHING;
  private steps: LlmUsage | undefined;
  private total: LlmUsage | undefined;
  private currentId = NO_ID;
  private hasBegun = false;
  private hasCounts = false;
  private isRunning = false;

  /** Looks at one object of the answer. */
  see(value: unknown): void {
    const part = partOf(value);
    if (!part) return;
    this.hasBegun = true;
    this.hasCounts ||= part.counts !== undefined;
    this.take(part);
  }

  /** `undefined` as long as nothing looked like the answer of a model. */
  found(): LlmFound | undefined {
    if (!this.hasBegun) return undefined;
    let usage = this.steps ? sumOf(this.added, this.steps) : this.added;
    for (const { counts } of this.answers.values()) usage = sumOf(usage, usageIn(counts));
    // The application may report the total beside the answers that it passes on: they are not two uses.
    if (this.total && tokensIn(this.total) > tokensIn(usage)) usage = this.total;
    return { usage, isComplete: this.hasCounts && !this.isRunning };
  }

  copy(): UsageTally {
    return Object.assign(new UsageTally(), this, { answers: new Map(this.answers) });
  }

  private take(part: AnswerPart): void {
    switch (part.kind) {
      case 'answer':
        this.takeAnswer(part);
        return;
      case 'step':
        this.steps = sumOf(this.steps ?? NOTHING, usageIn(part.counts));
        this.isRunning = true;
        return;
      case 'run': {
        const usage = part.counts ? usageIn(part.counts) : this.steps;
        if (usage) this.added = sumOf(this.added, usage);
        this.steps = undefined;
        this.isRunning = usage === undefined;
        return;
      }
      case 'total':
        this.total = usageIn(part.counts);
        this.isRunning = false;
    }
  }

  private takeAnswer({ id = this.currentId, counts, isLast }: Extract<AnswerPart, { kind: 'answer' }>): void {
    this.currentId = id;
    const known = this.answers.get(id);
    if (!counts) {
      // A chunk may follow the one with the usage.
      if (!known?.isEnded) this.isRunning = !isLast;
      return;
    }
    this.answers.set(id, { counts: known ? updated(known.counts, counts) : counts, isEnded: isLast });
    this.isRunning = !isLast;
    if (this.answers.size > MOST_ANSWERS) this.addOldest();
  }

  private addOldest(): void {
    const [id, { counts }] = this.answers.entries().next().value!;
    this.added = sumOf(this.added, usageIn(counts));
    this.answers.delete(id);
  }
}
