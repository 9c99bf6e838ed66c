// Joins stores/redis/lua/*.lua into the one script that Redis runs: consume.script.ts, generated and committed.
// `--check` writes nothing and fails when the committed file is not what the sources give.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// In the order in which Lua must meet them: gcra is defined by the token bucket.
const PARTS = ['prelude', 'fixed-window', 'sliding-window', 'sliding-log', 'token-bucket', 'gcra', 'consume'];

const folder = new URL('../libs/rate-limit/src/stores/redis/', import.meta.url);
const target = new URL('consume.script.ts', folder);

const sources = await Promise.all(PARTS.map((part) => readFile(new URL(`lua/${part}.lua`, folder), 'utf8')));
const lua = sources.join('\n');
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
