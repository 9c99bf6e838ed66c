import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** What people read before they choose the library, while they run it, or who work on it. The package stays below 1 MB. */
const NOT_SHIPPED = [
  'README.md',
  'adding-parts.md',
  'algorithms.md',
  'architecture.md',
  'beside-others.md',
  'capacity.md',
  'choosing-an-algorithm.md',
  'design-notes-calendar.md',
  'design-notes-holds.md',
  'design-notes-limiter.md',
  'design-notes-watching.md',
  'design-notes.md',
  'extending.md',
  'headers-and-clients.md',
  'health-checks.md',
  'live-limits.md',
  'openapi.md',
  'outage-drill.md',
  'performance-figures.md',
  'performance.md',
  'phases.md',
  'redis.md',
  'reliability.md',
  'sample.md',
  'security.md',
  'watching.md',
  'when-redis-fails.md',
  'without-nest.md',
];

/**
 * The pages that the package brings, by their paths in it: README.md, which is what a registry shows, and the pages of
 * docs/ that users need. A link to what does not come along is text there. Pictures stay behind: a registry takes them from
 * the repository, and they are larger than the largest page.
 */
function pages(root) {
  const docs = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md') && !NOT_SHIPPED.includes(name))
    .map((name) => `docs/${name}`);
  const texts = ['README.md', 'CHANGELOG.md', ...docs];
  return { texts, files: ['LICENSE'] };
}

/** Copies them into the package's folder. */
export function copyPages(root, library) {
  const { texts, files } = pages(root);
  const shipped = new Set([...texts, ...files]);
  rmSync(join(library, 'docs'), { recursive: true, force: true });
  for (const path of shipped) mkdirSync(dirname(join(library, path)), { recursive: true });
  for (const path of texts)
    writeFileSync(join(library, path), unpadded(within(shipped, path, readFileSync(join(root, path), 'utf8'))));
  for (const path of files) cpSync(join(root, path), join(library, path));
}

/** Tables without the space that lines up their columns: a quarter of the size of docs/options.md. */
const unpadded = (text) =>
  text.replace(/^\|.*\|$/gm, (row) => row.replace(/ {2,}(?=\|)/g, ' ').replace(/-{4,}/g, '---'));

const LINK = /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g;
const NAMED = /^\[([^\]]+)\]:\s*(\S+)\n/gm;
const BY_NAME = /\[([^[\]]+)\]\[([^[\]]+)\]/g;
/** Code is no place for links. */
const CODE = /^(`{3,})[^]*?^\1$|(`+)(?!`)[^]*?(?<!`)\2(?!`)/gm;

/** Relative targets, without anchors. */
export function linksIn(text) {
  const prose = text.replace(CODE, '');
  const inline = [...prose.matchAll(LINK)].map(([, , , target]) => target);
  const named = [...prose.matchAll(NAMED)].map(([, , target]) => target);
  const html = [...prose.matchAll(/\b(?:src|href|srcset)="([^"]+)"/g)].map(([, target]) => target);
  return [...inline, ...named, ...html]
    .map((target) => target.split('#')[0])
    .filter((path) => path && !/^[a-z]+:/.test(path));
}

function within(shipped, page, text) {
  const leads = (target) => {
    const [path] = target.split('#');
    return !path || /^[a-z]+:/.test(target) || shipped.has(posix.join(posix.dirname(page), path));
  };
  const gone = [...text.matchAll(NAMED)].filter(([, , target]) => !leads(target)).map(([, name]) => name);
  return text
    .replace(LINK, (link, isPicture, words, target) => (leads(target) ? link : isPicture ? '' : words))
    .replace(NAMED, (line, name) => (gone.includes(name) ? '' : line))
    .replace(BY_NAME, (link, words, name) => (gone.includes(name) ? words : link));
}
