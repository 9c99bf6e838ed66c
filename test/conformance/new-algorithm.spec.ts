import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as conformance from '../../libs/rate-limit/src/conformance/store-conformance.js';
import type * as algorithms from '../../libs/rate-limit/src/core/algorithms/index.js';
import type * as memory from '../../libs/rate-limit/src/stores/memory/memory.store.js';
import type * as redis from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

const LIBRARY = 'libs/rate-limit/src';
const TOY = resolve('test/conformance/toy');

/** A copy of the library's sources, which a test may change, and what it compiles to. */
const copy = mkdtempSync(join(tmpdir(), 'new-algorithm-'));
const src = join(copy, 'src');
const dist = join(copy, 'dist');
afterAll(() => rmSync(copy, { recursive: true, force: true }));
afterAll(closeClients);

/** All that adding an algorithm takes. */
function addToy(): void {
  const twin = readFileSync(join(TOY, 'toy.ts'), 'utf8').replace(/'[./]+\/libs\/rate-limit\/src\/core\//, "'../");
  writeFileSync(join(src, 'core/algorithms/toy.ts'), twin);
  cpSync(join(TOY, 'toy.lua'), join(src, 'stores/redis/lua/toy.lua'));
  const list = join(src, 'core/algorithms/index.ts');
  const text = readFileSync(list, 'utf8');
  const withToy = text.replace(/^(export const algorithms = \{\n)/m, '$1  toy,\n');
  expect(withToy).not.toBe(text);
  writeFileSync(list, `import { toy } from './toy.js';\n${withToy}`);
}

/** With its types, so that whatever must know every algorithm would be named here. */
function build(): void {
  const run = (script: string, ...args: string[]) =>
    execFileSync(process.execPath, [script, ...args], { stdio: 'pipe', encoding: 'utf8' });
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  const compilerOptions = { noEmit: false, declaration: false, sourceMap: false, types: ['node'], paths: {} };
  writeFileSync(
    join(copy, 'tsconfig.json'),
    JSON.stringify({
      extends: resolve('tsconfig.json'),
      compilerOptions: { ...compilerOptions, rootDir: src, outDir: dist },
      include: [src],
      exclude: [],
    }),
  );
  run(resolve('scripts/bundle-lua.mjs'), src);
  run(createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', copy);
}

const compiled = <Module>(file: string) => import(pathToFileURL(join(dist, file)).href) as Promise<Module>;

describe('an algorithm that is added with a file, its Lua twin and an entry in the list', () => {
  beforeAll(() => {
    cpSync(resolve(LIBRARY), src, { recursive: true });
    addToy();
    build();
  }, 120_000);

  it.each(['memory', 'Redis'])('passes every law of stores on %s', async (where) => {
    const { storeConformance, blockConformance } = await compiled<typeof conformance>(
      'conformance/store-conformance.js',
    );
    const { MemoryStore } = await compiled<typeof memory>('stores/memory/memory.store.js');
    const { RedisStore } = await compiled<typeof redis>('stores/redis/redis.store.js');
    const prefix = `test-${randomUUID()}`;
    const client = connectTo(sharedRedis().url);
    const open = (now: () => number) =>
      where === 'memory' ? new MemoryStore({ now }) : new RedisStore(client, { now, timeout: 10_000, prefix });

    const laws = [...storeConformance(open), ...blockConformance(open)].filter(({ sentence }) =>
      /^toy:/.test(sentence),
    );
    expect(laws.length).toBeGreaterThan(10);
    for (const { sentence, check } of laws) {
      await check().catch((cause: unknown) => {
        throw new Error(sentence, { cause });
      });
    }
  });

  it('is judged by its own part of the script, and no other algorithm is', async () => {
    const { algorithmNames } = await compiled<typeof algorithms>('core/algorithms/index.js');
    expect(algorithmNames).toContain('toy');
    const script = readFileSync(join(src, 'stores/redis/wire/consume.script.ts'), 'utf8');
    expect(script.match(/judge=toy$/gm)).toHaveLength(1);
  });
});
