import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { minifySync } from '@swc/core';

/**
 * Makes a built folder half as large: its JavaScript loses comments, space and the names of local variables, and
 * declarations that no entry leads to are removed. Names of classes and functions stay: logs and stacks show them.
 */
export function compact(folder, { entries, isModule }) {
  const files = readdirSync(folder, { recursive: true }).map((path) => join(folder, path));
  for (const file of files.filter((path) => path.endsWith('.js'))) {
    const mangle = { toplevel: true, keep_classnames: true, keep_fnames: true };
    const options = { module: isModule, toplevel: true, compress: false, mangle, format: { comments: false } };
    writeFileSync(file, `${minifySync(readFileSync(file, 'utf8'), options).code}\n`);
  }
  const reached = reachedFrom(entries.map((entry) => join(folder, entry)));
  for (const file of files.filter((path) => path.endsWith('.d.ts'))) if (!reached.has(file)) rmSync(file);
}

function reachedFrom(declarations) {
  const reached = new Set(declarations.map(normalize));
  for (const file of reached) {
    const imports = readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )['"](\.[^'"]+)\.js['"]/g);
    for (const [, path] of imports) reached.add(join(dirname(file), `${path}.d.ts`));
  }
  return reached;
}
