// Joins stores/redis/lua/*.lua into the one script that Redis runs: consume.script.ts, generated and committed.
// `--check` writes nothing and fails when the committed file is not what the sources give.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = new URL('../libs/rate-limit/src/stores/redis/', import.meta.url);
const target = new URL('consume.script.ts', folder);

const part = (name) => readFileSync(new URL(`lua/${name}.lua`, folder), 'utf8');

// The driver says where an algorithm's functions are to stand: `--> token-bucket.lua`.
const driver = part('consume').replace(/^( *)--> (\S+)\.lua\n/gm, (_, indent, name) =>
  part(name).replace(/^(?=.)/gm, indent),
);
const lua = `${part('prelude')}\n${driver}`;
const sha = createHash('sha1').update(lua).digest('hex');
const literal = lua.replace(/[\\`]|\$\{/g, (character) => `\\${character}`);

const generated = `// Generated from lua/*.lua by \`npm run lua\`. Do not edit.

/** The name Redis knows the script by. */
export const consumeSha = '${sha}';

export const consumeScript = \`${literal}\`;
`;

if (process.argv.includes('--check')) {
  const committed = await readFile(target, 'utf8').catch(() => '');
  if (committed !== generated) {
    console.error(`${fileURLToPath(target)} is stale: run npm run lua`);
    process.exit(1);
  }
} else {
  await writeFile(target, generated);
}
