import type { ExitCode } from './exit-code.js';
import type { Session } from './session.js';

/** An option of a command. */
export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  /** The word for its value in the help. */
  readonly value?: string;
  readonly about: string;
}

export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** What a command line asks for. */
export interface Asked {
  readonly words: readonly string[];
  readonly options: OptionValues;
}

export interface Command {
  /** `limits set` */
  readonly name: string;
  /** The words that follow: `POLICY KEY`, in brackets if they may be left out. */
  readonly words: readonly string[];
  /** A line for the list of all commands. */
  readonly about: string;
  /** More about it, for its own help. */
  readonly details: readonly string[];
  readonly options: Readonly<Record<string, CommandOption>>;
  run(session: Session, asked: Asked): Promise<ExitCode>;
}
