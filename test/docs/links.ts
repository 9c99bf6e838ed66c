import { posix } from 'node:path';
import { exists, read, textOf } from './pages.js';

/** A link of a page: its line, counted from 1, and where it goes, as written. */
export interface Link {
  readonly line: number;
  readonly target: string;
}

/** `[text](target "title")`, `![text](target)`, `[name]: target`, and what HTML has. */
const TARGETS = [
  /\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g,
  /^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g,
  /\b(?:src|href|srcset)="([^"]+)"/g,
];

export function linksOf(prose: readonly string[]): Link[] {
  return prose.flatMap((line, i) => {
    const text = line.replace(/(`+).*?\1/g, '');
    return TARGETS.flatMap((pattern) =>
      [...text.matchAll(pattern)].map(([, target]) => ({ line: i + 1, target: target! })),
    );
  });
}

/** Links of a page, `text` when it is not written down yet, to files or headings that are not there. */
export function deadLinks(page: string, text = textOf(page)): string[] {
  const { prose } = read(page, text);
  return linksOf(prose)
    .filter(({ target }) => !/^[a-z][a-z\d+.-]*:/i.test(target))
    .flatMap(({ line, target }) => {
      const [path = '', anchor] = decodeURI(target).split('#');
      const file = path ? posix.normalize(posix.join(posix.dirname(page), path)) : page;
      const dead = (why: string) => [`${page}:${line}: ${file}${anchor ? `#${anchor}` : ''} ${why}`];
      if (path && !exists(file)) return dead('is not there');
      if (anchor === undefined || !file.endsWith('.md')) return [];
      const slugs = slugsOf(file === page ? prose : read(file).prose);
      return slugs.has(anchor) ? [] : dead('has no such heading');
    });
}

/** The anchors of a page's headings, as GitHub makes them. */
export function slugsOf(prose: readonly string[]): Set<string> {
  const slugs = new Set<string>();
  for (const line of prose) {
    const [, heading] = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const slug = heading
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/(?<![\p{L}\p{N}])_([^_]+)_(?![\p{L}\p{N}])/gu, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    let unique = slug;
    for (let n = 1; slugs.has(unique); n++) unique = `${slug}-${n}`;
    slugs.add(unique);
  }
  return slugs;
}
