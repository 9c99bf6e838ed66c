// node scripts/bundle-lua.mjs [SRC]: makes the scripts that Redis runs of stores/redis/lua/*.lua, in the library's
// sources or in a copy of them: wire/consume.script.ts, of all parts but two, and limits.script.ts, generated and
// committed. `--check` writes nothing and fails when a committed file is not what the sources give.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { assemble } from './lua/assemble.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { check: { type: 'boolean' } } });
const [source = fileURLToPath(new URL('../libs/rate-limit/src', import.meta.url))] = positionals;
const src = pathToFileURL(`${resolve(source)}/`);
const folder = new URL('stores/redis/', src);

/**
 * Comments, indentation and the space around operators are for readers of lua/*.lua. Every instance sends the script, and
 * both formats of the package have it.
 */
const forRedis = (lua) =>
  lua
    .replace(/^ *--.*\n/gm, '')
    .replace(/^\s+/gm, '')
    .replace(OPERATORS, (found, operator) => operator ?? found);

/** Text stays as it is, and a minus: two of them would begin a comment. */
const OPERATORS = /'[^'\n]*'|"[^"\n]*"| *(==|~=|<=|>=|[=<>+*/,]) */g;

const part = (name) => forRedis(readFileSync(new URL(`lua/${name}.lua`, folder), 'utf8'));

const consume = forRedis(await assemble(src));
const sha = createHash('sha1').update(consume).digest('hex');

const literal = (lua) => `\`${lua.replace(/[\\`]|\$\{/g, (character) => `\\${character}`)}\``;
const generatedFrom = (sources) => `// Generated from ${sources} by \`npm run lua\`. Do not edit.\n`;

const generated = {
  'wire/consume.script.ts': `${generatedFrom('lua/*.lua')}
/** The name Redis knows the script by. */
export const consumeSha = '${sha}';

export const consumeScript = ${literal(consume)};
`,
  'limits.script.ts': `${generatedFrom('lua/limits.lua and lua/limits-since.lua')}
export const limitsScript = ${literal(part('limits'))};

export const changesScript = ${literal(part('limits-since'))};
`,
};

for (const [name, text] of Object.entries(generated)) {
  const target = new URL(name, folder);
  if (!values.check) await writeFile(target, text);
  else if ((await readFile(target, 'utf8').catch(() => '')) !== text) {
    console.error(`${fileURLToPath(target)} is stale: run npm run lua`);
    process.exitCode = 1;
  }
}
