import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { minifySync } from '@swc/core';

/**
 * Makes a built folder half as large. Its JavaScript loses comments, space and the names of local variables; the names
 * of classes and functions stay, for logs and stacks show them. Of the declarations those stay that an entry leads to,
 * with comments where they declare what users can import.
 */
export function compact(folder, { entries, isModule }) {
  const files = readdirSync(folder, { recursive: true }).map((path) => join(folder, path));
  for (const file of files.filter((path) => path.endsWith('.js'))) rewrite(file, (text) => minified(text, isModule));

  const starts = entries.map((entry) => normalize(join(folder, entry)));
  const reached = reachedFrom(starts);
  const names = new Set(
    starts.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\w+/g)].map(([name]) => name)),
  );
  for (const file of files.filter((path) => path.endsWith('.d.ts'))) {
    if (!reached.has(file)) rmSync(file);
    else if (!starts.includes(file)) rewrite(file, (text) => (declaresOneOf(names, text) ? text : uncommented(text)));
  }
}

function minified(text, isModule) {
  const mangle = { toplevel: true, keep_classnames: true, keep_fnames: true };
  const options = { module: isModule, toplevel: true, compress: false, mangle, format: { comments: false } };
  return `${minifySync(text, options).code}\n`;
}

function reachedFrom(declarations) {
  const reached = new Set(declarations);
  for (const file of reached) {
    const imports = readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )['"](\.[^'"]+)\.js['"]/g);
    for (const [, path] of imports) reached.add(join(dirname(file), `${path}.d.ts`));
  }
  return reached;
}

function declaresOneOf(names, text) {
  const declared = text.matchAll(/^export (?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/gm);
  return [...declared].some(([, name]) => names.has(name));
}

const uncommented = (text) => text.replace(/^ *\/\*\*[^]*?\*\/\n/gm, '');

const rewrite = (file, change) => writeFileSync(file, change(readFileSync(file, 'utf8')));
