import { readFileSync } from 'node:fs';
import '../typescript/register.mjs';

/**
 * The script that runs a batch, of the parts in stores/redis/lua. Its driver, consume.lua, says where they stand:
 *
 *   --> declarations   a local for each function that a part defines
 *   --> algorithms     for each algorithm in core/algorithms/index.ts the part that judges by it, and the part that judges
 *                      its calendar windows
 *   --> commands       for each opcode in wire/frame.ts the parts that run it
 *
 * A part is a file whose functions are made when they are first needed: Redis runs the script from the top each time.
 * `<name>.lua` defines the function `<name>` if it judges and `run_<name>` if it runs commands, with `_` for `-`. Other
 * parts define what these share.
 * `FRAME.list.entry` and `OPCODE.name` become the numbers of wire/frame.ts, `FIXED_WINDOW.NAME` those of fixed-window.lua,
 * `CALENDAR_WINDOW.NAME` those of calendar-window.lua.
 *
 * @param src the library's sources, as a URL that ends with a slash
 */
export async function assemble(src) {
  const { algorithms } = await import(new URL('core/algorithms/index.ts', src));
  const { FRAME, LATE, OPCODE, PARTS } = await import(new URL('stores/redis/wire/frame.ts', src));
  const textOf = (name) => readFileSync(new URL(`stores/redis/lua/${name}.lua`, src), 'utf8');

  // In the order in which they are looked for, the most common first.
  const judges = grouped([
    ...Object.entries(algorithms).map(([name, { lua = name }]) => [lua, name]),
    ...Object.values(algorithms).flatMap(({ calendarLua }) => (calendarLua ? [[calendarLua, calendarLua]] : [])),
  ]);
  const commands = Object.entries(PARTS);
  const helpers = grouped(commands.flatMap(([command, parts]) => parts.map((part) => [part, OPCODE[command]])));
  const parts = new Map([...judges.keys(), ...helpers.keys()].map((name) => [name, partOf(name, textOf(name))]));

  const places = {
    declarations: `local ${[...parts.values()].flatMap(({ functions }) => functions).join(', ')}\n`,
    algorithms: [
      ...chain([...judges].map(([lua, names]) => [anyOf('algorithm', names.map(quoted)), judging(parts.get(lua))])),
      `else\n  return redis.error_reply('ERR unknown algorithm "' .. algorithm .. '"')\nend\n`,
    ].join(''),
    commands: [
      ...[...helpers].map(([name, opcodes]) => making(parts.get(name), anyOf('opcode', opcodes))),
      ...chain(
        commands.map(([command, names]) => [`opcode == ${OPCODE[command]}`, `run = run_${snake(names.at(-1))}\n`]),
      ),
      `else\n  return redis.error_reply('ERR unknown opcode ' .. opcode)\nend\n`,
    ].join(''),
  };
  const driver = textOf('consume').replace(/^( *)--> (\w+)\n/gm, (_, { length }, place) =>
    indented(places[place], length),
  );

  const numbers = new Map([['FRAME.LATE', LATE]]);
  for (const [list, entries] of Object.entries(FRAME)) {
    for (const [entry, place] of Object.entries(entries)) numbers.set(`FRAME.${list}.${entry}`, place);
  }
  for (const [name, opcode] of Object.entries(OPCODE)) numbers.set(`OPCODE.${name}`, opcode);
  for (const [part, prefix] of Object.entries(WITH_CONSTANTS)) {
    for (const [name, number] of constantsOf(textOf(part))) numbers.set(`${prefix}.${name}`, number);
  }
  return `${textOf('lone')}\n${textOf('prelude')}\n${driver}`.replace(
    /\b(?:FRAME|OPCODE|FIXED_WINDOW|CALENDAR_WINDOW)(?:\.\w+)+/g,
    (name) => {
      if (!numbers.has(name))
        throw new Error(`${name} is neither in wire/frame.ts nor in fixed-window.lua or calendar-window.lua`);
      return numbers.get(name);
    },
  );
}

/** Parts whose numbers lone.lua needs too, and what it calls them by. */
const WITH_CONSTANTS = { 'fixed-window': 'FIXED_WINDOW', 'calendar-window': 'CALENDAR_WINDOW' };

/** The numbers that a part names: `local UNITS, CYCLE = 8192, 8589934592`. */
const constantsOf = (text) =>
  [...text.matchAll(/^local ([A-Z_, ]+) = ([\d, ]+)$/gm)].flatMap(([, names, values]) => {
    const numbers = values.split(', ');
    return names.split(', ').map((name, place) => [name, numbers[place]]);
  });

const snake = (name) => name.replaceAll('-', '_');
const quoted = (name) => `'${name}'`;
const indented = (text, by) => text.replace(/^(?=.)/gm, ' '.repeat(by));
const anyOf = (what, values) => values.map((value) => `${what} == ${value}`).join(' or ');

const partOf = (name, text) => ({
  name,
  text,
  functions: [...text.matchAll(/^function (\w+)/gm)].map(([, defined]) => defined),
});

/** Makes a part's functions unless they are there. */
const making = ({ text, functions: [first] }, condition) =>
  `if not ${first}${condition ? ` and (${condition})` : ''} then\n${indented(text, 2)}end\n`;

const judging = (part) => `${making(part)}judge = ${snake(part.name)}\n`;

/** `if … elseif …`, to which an `else` is to be added. */
const chain = (branches) =>
  branches.map(([condition, body], i) => `${i === 0 ? 'if' : 'elseif'} ${condition} then\n${indented(body, 2)}`);

/** By their first halves, in order, the second halves of pairs. */
function grouped(pairs) {
  const groups = new Map();
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}
