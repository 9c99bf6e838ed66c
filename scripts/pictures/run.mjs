// What an algorithm does with a timeline of requests. The time is an argument: nothing waits.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const algorithms = await fromSources('libs/rate-limit/src/core');

/** How often `remaining` is looked at between requests, in milliseconds. */
const LOOK = 50;

/**
 * @param requests moments in milliseconds, in order; several at one moment come one after another
 * @returns `decisions`: `{ at, allowed }` for each; `remaining`: `[at, units]` wherever it changed
 */
export function run({ algorithm: name, limit, window, burst }, requests, until) {
  const algorithm = algorithms[name];
  const { defaultBurst } = algorithm;
  const quota = { limit, window, burst: burst ?? (typeof defaultBurst === 'number' ? defaultBurst : limit) };
  const decisions = [];
  const remaining = [];
  let state;
  const note = (at, units) => {
    if (remaining.at(-1)?.[1] !== units) remaining.push([at, units]);
  };
  const looks = Array.from({ length: Math.floor(until / LOOK) + 1 }, (_, i) => ({ at: i * LOOK, cost: 0 }));
  const hits = requests.map((at) => ({ at, cost: 1 }));
  // A look comes before the requests of its moment: the sort is stable.
  for (const { at, cost } of [...looks, ...hits].sort((a, b) => a.at - b.at)) {
    const judged = algorithm.judge(quota, state, cost, at);
    state = judged.state;
    if (cost > 0) decisions.push({ at, allowed: judged.allowed });
    note(at, judged.remaining);
  }
  return { decisions, remaining };
}

/** Not from the build, which another check may be making anew. They import nothing but each other. */
async function fromSources(folder) {
  const made = mkdtempSync(join(tmpdir(), 'algorithms-'));
  try {
    writeFileSync(join(made, 'package.json'), '{ "type": "module" }');
    const files = readdirSync(join(folder, 'algorithms')).map((name) => `algorithms/${name}`);
    for (const file of ['algorithm.ts', ...files]) {
      const { outputText } = ts.transpileModule(readFileSync(join(folder, file), 'utf8'), {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 },
      });
      const target = join(made, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, outputText);
    }
    return (await import(pathToFileURL(join(made, 'algorithms/index.js')))).algorithms;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
