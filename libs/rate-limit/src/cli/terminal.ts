import { harmless, json } from './printable.js';

/** Where the program writes. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Writes answers: a line of text each, or with `--json` an object on a line each. */
export class Terminal {
  constructor(
    private readonly streams: Streams,
    readonly isJson: boolean,
  ) {}

  /**
   * An answer.
   *
   * @param text the same for people
   */
  say(answer: object, text: string): void {
    this.streams.out(`${this.isJson ? json(answer) : harmless(text)}\n`);
  }

  /** What people should know beside the answers, and programs need not. */
  note(text: string): void {
    this.streams.err(`${harmless(text)}\n`);
  }
}
