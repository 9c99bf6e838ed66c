// Plots as SVG, by hand: transparent, in colours that can be read on white and on black alike.

export const COLOURS = { text: '#808890', grid: '#80889040', ours: '#3b82f6', peer: '#d97706', other: '#8b949e' };

const FONT = 'font-family="system-ui, sans-serif" font-size="12"';

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** One decimal of a pixel is enough, and makes the same file everywhere. */
export const px = (value) => String(Math.round(value * 10) / 10);

export const text = (x, y, words, { anchor = 'start', fill = COLOURS.text, bold = false } = {}) =>
  `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" fill="${fill}"${bold ? ' font-weight="600"' : ''}>${escaped(words)}</text>`;

export const line = (x1, y1, x2, y2, stroke = COLOURS.grid) =>
  `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${stroke}"/>`;

/** @param note what says that nobody should edit the file */
export const picture = ({ width, height, title, note, parts }) =>
  [
    `<!-- ${note} -->`,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${px(height)}" width="${width}" role="img" ${FONT}>`,
    `<title>${escaped(title)}</title>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');

/** Up to five round numbers from 0 to at least `most`. */
export function ticks(most) {
  const rough = (most || 1) / 4;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * magnitude).find((each) => each >= rough);
  const count = Math.ceil((most || 1) / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}
