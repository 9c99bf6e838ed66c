import type { Command, CommandOption } from './command.js';
import { commands } from './commands.js';

export const PROGRAM = 'nestjs-redis-rate-limit';

/** The options of every command. */
export const COMMON: Readonly<Record<string, CommandOption>> = {
  url: {
    type: 'string',
    value: 'URL',
    about: 'where Redis is; default: the variable REDIS_URL, else redis://localhost:6379',
  },
  cluster: { type: 'boolean', about: 'it is a Cluster; URL may name several nodes, with commas between them' },
  prefix: {
    type: 'string',
    value: 'TEXT',
    about: "the option prefix of the application, behind its client's keyPrefix; default: rl",
  },
  timeout: { type: 'string', value: 'MS', about: 'how long each command to Redis may take; default: 2000' },
  'ipv6-prefix': { type: 'string', value: 'BITS', about: "the application's keys.ipv6Prefix; default: 64" },
  json: { type: 'boolean', about: 'print each answer as a JSON object on a line; spans are milliseconds' },
  help: { type: 'boolean', about: 'this text' },
};

const EXIT_CODES = `Exit codes:
  0  done
  1  nothing was found, or the caller was not blocked
  2  the command line is wrong
  3  Redis did not answer, or refused
  4  a fault of this program`;

const NOTES = `Keys are exact, as the application has them: user:42, ip:203.0.113.7. Nothing in them is a pattern. Write -- before
a key that begins with a dash. POLICY is a policy's name, or its id as inspect shows it. Put passwords into REDIS_URL:
others can see the arguments of a process.`;

/** The help for everything. */
export const help = (): string =>
  [
    `Looks at and changes the rate limits that ${PROGRAM} keeps in Redis. No application needs to run.`,
    `Usage: npx ${PROGRAM} COMMAND [WORDS] [OPTIONS]`,
    `Commands:\n${rows(commands.map((command) => [usage(command), command.about]))}`,
    `Options of every command:\n${optionRows(COMMON)}`,
    `npx ${PROGRAM} COMMAND --help shows the options of a command.`,
    NOTES,
    EXIT_CODES,
  ].join('\n\n');

/** The help for one command. */
export const helpOf = (command: Command): string =>
  [
    `Usage: npx ${PROGRAM} ${usage(command)} [OPTIONS]`,
    `${command.about.charAt(0).toUpperCase()}${command.about.slice(1)}.`,
    command.details.join('\n'),
    ...(Object.keys(command.options).length > 0 ? [`Options:\n${optionRows(command.options)}`] : []),
    `Options of every command:\n${optionRows(COMMON)}`,
    EXIT_CODES,
  ].join('\n\n');

export const usage = ({ name, words }: Command): string => [name, ...words].join(' ');

const optionRows = (options: Readonly<Record<string, CommandOption>>): string =>
  rows(
    Object.entries(options).map(([name, { value, about }]) => [
      `--${name}${value === undefined ? '' : ` ${value}`}`,
      about,
    ]),
  );

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
