/** Where a link or a picture of a page leads; `undefined`: to nothing that is served, so its text stands alone. */
export type LinkTo = (target: string) => string | undefined;

const SYNTAX = new RegExp(
  [
    '(?<ticks>`+)(?<code>.+?)(?<!`)\\k<ticks>(?!`)',
    '!\\[(?<alt>[^\\]]*)\\]\\((?<picture>[^\\s)]+)\\)',
    '\\[(?<text>(?:`[^`]*`|[^\\]`])*)\\]\\((?<target>[^\\s)]+)\\)',
    '<(?<address>https?://[^>\\s]+)>',
    '\\*\\*(?<strong>.+?)\\*\\*',
    '(?<![\\p{L}\\p{N}_])_(?<em>[^_]+)_(?![\\p{L}\\p{N}_])',
    '\\\\(?<literal>[!-/:-@[-`{-~])',
  ].join('|'),
  'gsu',
);

/** The HTML of what stands in a paragraph, a heading or a cell. */
export function inline(text: string, linkTo: LinkTo): string {
  let html = '';
  let done = 0;
  for (const match of text.matchAll(SYNTAX)) {
    html += escaped(text.slice(done, match.index)) + element(match.groups!, linkTo);
    done = match.index + match[0].length;
  }
  return html + escaped(text.slice(done));
}

function element(found: Partial<Record<string, string>>, linkTo: LinkTo): string {
  const { code, alt, picture, text, target, address, strong, em, literal } = found;
  if (code !== undefined) return `<code>${escaped(code.replace(/^ (.+) $/s, '$1'))}</code>`;
  if (picture !== undefined) return pictureOf(linkTo(picture), alt ?? '');
  if (target !== undefined) return link(linkTo(target), inline(text ?? '', linkTo));
  if (address !== undefined) return link(address, escaped(address));
  if (strong !== undefined) return `<strong>${inline(strong, linkTo)}</strong>`;
  if (em !== undefined) return `<em>${inline(em, linkTo)}</em>`;
  return escaped(literal ?? '');
}

const link = (target: string | undefined, html: string): string =>
  target === undefined ? html : `<a href="${escaped(target)}">${html}</a>`;

const pictureOf = (target: string | undefined, alt: string): string =>
  target === undefined ? escaped(alt) : `<img src="${escaped(target)}" alt="${escaped(alt)}">`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text that is safe in an element and in an attribute. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
