import { parseArgs } from 'node:util';
import { closest } from '../core/closest.js';
import type { Asked, Command, OptionValues } from './command.js';
import { commands } from './commands.js';
import { EXIT, exitCodeOf, WrongUse, type ExitCode } from './exit-code.js';
import { COMMON, help, helpOf, PROGRAM, usage } from './help.js';
import { harmless, named } from './printable.js';
import { Session } from './session.js';
import { Terminal, type Streams } from './terminal.js';

/**
 * The command line.
 *
 * @param args without the program
 * @returns the exit code
 */
export async function main(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
): Promise<ExitCode> {
  try {
    return await run(args, env, streams);
  } catch (error) {
    const code = exitCodeOf(error);
    const said = error instanceof Error ? error.message : String(error);
    const more = code === EXIT.wrongUse ? `\nnpx ${PROGRAM} --help shows how it is used.` : '';
    streams.err(`${harmless(said)}${more}\n`);
    return code;
  }
}

async function run(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  streams: Streams,
): Promise<ExitCode> {
  const command = commandOf(args);
  if (!command) {
    const { values, positionals } = parseArgs({ args: [...args], options: COMMON, allowPositionals: true });
    const isHelp = values.help === true || (positionals[0] === 'help' && positionals.length === 1);
    if (positionals.length > 0 && !isHelp) throw unknownCommand(positionals);
    (isHelp ? streams.out : streams.err)(`${help()}\n`);
    return isHelp ? EXIT.done : EXIT.wrongUse;
  }
  const { words, options } = asked(command, args);
  if (options.help) {
    streams.out(`${helpOf(command)}\n`);
    return EXIT.done;
  }
  checkWords(command, words);
  const terminal = new Terminal(streams, options.json === true);
  const session = await Session.open(
    {
      url: textOf(options.url) ?? (env.REDIS_URL || 'redis://localhost:6379'),
      prefix: textOf(options.prefix),
      timeout: textOf(options.timeout),
      ipv6Prefix: textOf(options['ipv6-prefix']),
      isCluster: options.cluster === true,
    },
    terminal,
  );
  try {
    return await command.run(session, { words, options });
  } finally {
    await session.close();
  }
}

const textOf = (value: OptionValues[string]): string | undefined => (typeof value === 'string' ? value : undefined);

/** The command that the first words name. Options may come before them. */
function commandOf(args: readonly string[]): Command | undefined {
  const every = Object.assign({}, COMMON, ...commands.map(({ options }) => options)) as typeof COMMON;
  const { positionals } = parseArgs({ args: [...args], options: every, allowPositionals: true, strict: false });
  return commands.find(({ name }) => name.split(' ').every((word, i) => word === positionals[i]));
}

/** @throws TypeError of parseArgs for options that the command does not have */
function asked(command: Command, args: readonly string[]): Asked {
  const options = { ...COMMON, ...command.options };
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  return { words: positionals.slice(command.name.split(' ').length), options: values };
}

function checkWords(command: Command, words: readonly string[]): void {
  const least = command.words.filter((word) => !word.startsWith('[')).length;
  if (words.length >= least && words.length <= command.words.length) return;
  const problem =
    words.length < least ? `${command.words[words.length]} is missing` : `${named(words.at(-1)!)} is one word too many`;
  throw new WrongUse(`${problem}: npx ${PROGRAM} ${usage(command)}`);
}

function unknownCommand(words: readonly string[]): WrongUse {
  const names = commands.map(({ name }) => name);
  const given = words.slice(0, words[0] === 'limits' ? 2 : 1).join(' ');
  const longer = names.filter((name) => name.startsWith(`${given} `));
  if (longer.length > 0) return new WrongUse(`${given} needs one more word: ${longer.join(', ')}`);
  const meant = closest(given, names);
  const fix = meant === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${meant}?`;
  return new WrongUse(`there is no command ${named(given)}; ${fix}`);
}
