// Lets Node.js run TypeScript sources, without their types: `.js` finds the `.ts` beside it, and the package's own name
// its sources.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const LIBRARY = new URL('../../libs/rate-limit/', import.meta.url);
const { name, exports } = JSON.parse(readFileSync(new URL('package.json', LIBRARY), 'utf8'));
const entries = new Map(
  Object.entries(exports)
    .filter(([, { import: built }]) => built)
    .map(([path, { import: built }]) => [path.replace('.', name), sourceOf(built.default)]),
);

const compilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  isolatedModules: true,
  // As tsconfig.json: Nest injects by what is emitted for decorators.
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

// Neither is async: registerHooks() takes no promises, and register() takes both.
export function resolve(specifier, context, next) {
  const source = entries.get(specifier) ?? besides(specifier, context.parentURL);
  return source ? { url: source.href, shortCircuit: true } : next(specifier, context);
}

export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), { compilerOptions });
  return { format: 'module', source: outputText, shortCircuit: true };
}

/** Only to our own sources: packages bring JavaScript. */
function besides(specifier, parent) {
  if (!specifier.startsWith('.') || !specifier.endsWith('.js') || parent.includes('/node_modules/')) return undefined;
  const source = new URL(specifier.replace(/\.js$/, '.ts'), parent);
  return existsSync(source) ? source : undefined;
}

function sourceOf(built) {
  return new URL(built.replace('dist/esm', 'src').replace(/\.js$/, '.ts'), LIBRARY);
}
