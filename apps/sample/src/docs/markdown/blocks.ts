import { escaped, inline, type LinkTo } from './inline.js';

const FENCE = /^ *(`{3,}|~{3,})/;
const HEADING = /^(#{1,6}) +(.*?)(?: +#*)?$/;
const ITEM = /^( *)([-*]|\d+\.)( +)/;
const RULE = /^ {0,3}(?:-{3,}|\*{3,})\s*$/;
const REFERENCE = /^\[([^\]]+)\]: +(\S+)$/;
/** What ends a paragraph without an empty line before it. */
const STARTS = [FENCE, HEADING, ITEM, RULE, REFERENCE, /^ *\|/, /^ *>/, /^ *<!--/];

/** The HTML of the Markdown that this repository writes. HTML in it is shown as text, except comments. */
export function htmlOf(markdown: string, linkTo: LinkTo): string {
  const references = new Map([...markdown.matchAll(new RegExp(REFERENCE, 'gm'))].map(([, id, to]) => [id!, to!]));
  const isKnown = (id: string) => references.has(id);
  const direct = markdown.replace(/\[([^\]]+)\]\[([^\]]+)\]/g, (all, text: string, id: string) =>
    isKnown(id) ? `[${text}](${references.get(id)!})` : all,
  );
  return new Blocks(linkTo).htmlOf(direct.split(/\r?\n/));
}

/** The heading that names a page. */
export const titleOf = (markdown: string): string | undefined => /^# +(.+)$/m.exec(markdown)?.[1];

class Blocks {
  private readonly anchors = new Set<string>();

  constructor(private readonly linkTo: LinkTo) {}

  /** @param isTight in a list without empty lines, where text stands without a paragraph around it */
  htmlOf(lines: readonly string[], isTight = false): string {
    let html = '';
    for (let i = 0; i < lines.length;) {
      const end = endOf(lines, i);
      html += this.block(lines.slice(i, end), isTight);
      i = end;
    }
    return html;
  }

  private block(lines: readonly string[], isTight: boolean): string {
    const [first = ''] = lines;
    if (first.trim() === '' || REFERENCE.test(first) || /^ *<!--/.test(first)) return '';
    if (FENCE.test(first)) return fenced(lines);
    const heading = HEADING.exec(first);
    if (heading) return this.heading(heading[1]!.length, heading[2]!);
    if (RULE.test(first)) return '<hr>\n';
    if (ITEM.test(first)) return this.list(lines);
    if (isTable(lines)) return this.table(lines);
    if (/^ *>/.test(first)) {
      return `<blockquote>\n${this.htmlOf(lines.map((line) => line.replace(/^ *> ?/, '')))}</blockquote>\n`;
    }
    const text = this.inline(lines.map((line) => line.trim()).join('\n'));
    return isTight ? `${text}\n` : `<p>${text}</p>\n`;
  }

  private heading(level: number, text: string): string {
    const slug = slugOf(text);
    let anchor = slug;
    for (let n = 1; this.anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    this.anchors.add(anchor);
    return `<h${level} id="${escaped(anchor)}">${this.inline(text)}</h${level}>\n`;
  }

  private list(lines: readonly string[]): string {
    const [, indent = '', marker = ''] = ITEM.exec(lines[0]!)!;
    const starts = lines.flatMap((line, i) => (ITEM.exec(line)?.[1] === indent ? [i] : []));
    const isTight = !lines.slice(0, -1).some((line) => line.trim() === '');
    const items = starts.map((from, n) => {
      const [first = '', ...rest] = lines.slice(from, starts[n + 1]);
      const width = ITEM.exec(first)![0].length;
      const inside = [first.slice(width), ...rest.map((line) => line.replace(new RegExp(`^ {0,${width}}`), ''))];
      return `<li>${this.htmlOf(inside, isTight).trimEnd()}</li>\n`;
    });
    const number = Number.parseInt(marker, 10);
    if (Number.isNaN(number)) return `<ul>\n${items.join('')}</ul>\n`;
    return `<ol${number === 1 ? '' : ` start="${number}"`}>\n${items.join('')}</ol>\n`;
  }

  private table([head = '', , ...rows]: readonly string[]): string {
    const row = (line: string, tag: string) =>
      `<tr>${cellsOf(line)
        .map((cell) => `<${tag}>${this.inline(cell)}</${tag}>`)
        .join('')}</tr>\n`;
    const body = rows.map((line) => row(line, 'td')).join('');
    return `<div class="scroll"><table>\n<thead>${row(head, 'th')}</thead>\n<tbody>${body}</tbody>\n</table></div>\n`;
  }

  private inline(text: string): string {
    return inline(text, this.linkTo);
  }
}

/** Where the block that begins at a line ends. */
function endOf(lines: readonly string[], from: number): number {
  const first = lines[from]!;
  const until = (isOver: (line: string, i: number) => boolean, step = 0): number => {
    const end = lines.findIndex((line, i) => i > from && isOver(line, i));
    return end === -1 ? lines.length : end + step;
  };
  const fence = FENCE.exec(first)?.[1];
  if (fence !== undefined) return until((line) => line.trim() === fence, 1);
  if (/^ *<!--/.test(first)) return first.includes('-->') ? from + 1 : until((line) => line.includes('-->'), 1);
  if (/^ *>/.test(first)) return until((line) => !/^ *>/.test(line));
  if (first.trim() === '' || HEADING.test(first) || RULE.test(first) || REFERENCE.test(first)) return from + 1;
  const indent = ITEM.exec(first)?.[1]?.length;
  if (indent !== undefined) return until((line, i) => isBehindList(lines, i, indent) && line !== '');
  if (isTable(lines.slice(from))) return until((line) => !/^ *\|/.test(line));
  return until((line) => line.trim() === '' || STARTS.some((start) => start.test(line)));
}

/** A list goes on with its items, and with what is indented below them. */
function isBehindList(lines: readonly string[], i: number, indent: number): boolean {
  const line = lines[i]!;
  const depth = /^ */.exec(line)![0].length;
  if (depth > indent || (depth === indent && ITEM.test(line))) return false;
  // A line right below an item belongs to it, indented or not.
  return lines[i - 1] === '' || STARTS.some((start) => start.test(line));
}

const isTable = ([head = '', line = '']: readonly string[]): boolean =>
  /^ *\|/.test(head) && /^ *\|?[ :|-]*-[ :|-]*$/.test(line);

/** A `\|` is part of a cell. */
const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

function fenced([fence = '', ...lines]: readonly string[]): string {
  const indent = /^ */.exec(fence)![0].length;
  const last = FENCE.test(lines.at(-1) ?? '') ? -1 : undefined;
  const code = lines.slice(0, last).map((line) => line.replace(new RegExp(`^ {0,${indent}}`), ''));
  return `<pre><code>${escaped(code.join('\n'))}</code></pre>\n`;
}

/** The anchor of a heading, as GitHub makes it. */
const slugOf = (heading: string): string =>
  heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
