import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced code block. */
export interface Block {
  readonly page: string;
  /** The line of its first line of code, counted from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: `options`, `file=docs/clients/fetch.ts`. */
  readonly words: readonly string[];
  readonly lines: readonly string[];
}

/** What is wrong, at the markdown's own line. */
export const complaint = ({ page, line }: Block, offset: number, what: string): string =>
  `${page}:${line + offset}: ${what}`;

/** Every page that people read, from the root: README.md, CONTRIBUTING.md, docs/policies.md. */
export function pages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((path) => `docs/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs.sort()];
}

export const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
export const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** A page's fenced blocks, and what is left of its lines without them, each still at its own place. */
export function read(page: string, text = textOf(page)): { blocks: Block[]; prose: string[] } {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { fence: string; indent: number; block: Block & { lines: string[] } } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    prose.push(open ? '' : line);
    const [, indent = '', fence, info = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (!open && fence) {
      const [language = '', ...words] = info.trim().split(/\s+/);
      open = { fence, indent: indent.length, block: { page, line: i + 2, language, words, lines: [] } };
      prose[i] = '';
    } else if (open && fence?.startsWith(open.fence) && !info.trim()) {
      blocks.push(open.block);
      open = undefined;
    } else {
      open?.block.lines.push(line.replace(new RegExp(`^ {0,${open.indent}}`), ''));
    }
  }
  if (open) throw new Error(complaint(open.block, -1, 'this block has no end'));
  return { blocks, prose };
}
