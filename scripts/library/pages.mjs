import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** For those who work on the library, or choose one: too large to be in every node_modules. */
const NOT_SHIPPED = [
  'README.md',
  'algorithms.md',
  'architecture.md',
  'beside-others.md',
  'capacity.md',
  'design-notes-limiter.md',
  'design-notes.md',
  'extending.md',
  'outage-drill.md',
  'performance.md',
  'reliability.md',
  'sample.md',
];

/**
 * The pages that the package brings, by their paths in it: README.md, which is what a registry shows, its picture, and
 * the pages of docs/ that users need. A link to what does not come along is text there.
 */
export function pages(root) {
  const docs = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md') && !NOT_SHIPPED.includes(name))
    .map((name) => `docs/${name}`);
  const texts = ['README.md', 'CHANGELOG.md', ...docs];
  const pictures = linksIn(readFileSync(join(root, 'README.md'), 'utf8')).filter((path) => /\.(png|svg)$/.test(path));
  return { texts, files: ['LICENSE', ...pictures] };
}

/** Copies them into the package's folder. */
export function copyPages(root, library) {
  const { texts, files } = pages(root);
  const shipped = new Set([...texts, ...files]);
  rmSync(join(library, 'docs'), { recursive: true, force: true });
  for (const path of shipped) mkdirSync(dirname(join(library, path)), { recursive: true });
  for (const path of texts)
    writeFileSync(join(library, path), within(shipped, path, readFileSync(join(root, path), 'utf8')));
  for (const path of files) cpSync(join(root, path), join(library, path));
}

const LINK = /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g;
/** Code is no place for links. */
const CODE = /^(`{3,})[^]*?^\1$|(`+)(?!`)[^]*?(?<!`)\2(?!`)/gm;

/** Relative targets, without anchors. */
export function linksIn(text) {
  const prose = text.replace(CODE, '');
  const inline = [...prose.matchAll(LINK)].map(([, , , target]) => target);
  const named = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)].map(([, target]) => target);
  return [...inline, ...named].map((target) => target.split('#')[0]).filter((path) => path && !/^[a-z]+:/.test(path));
}

function within(shipped, page, text) {
  return text.replace(LINK, (link, picture, words, target) => {
    const [path] = target.split('#');
    const leads = !path || /^[a-z]+:/.test(target) || shipped.has(posix.join(posix.dirname(page), path));
    return leads || picture ? link : words;
  });
}
