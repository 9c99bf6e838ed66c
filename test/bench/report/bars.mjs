import { number } from './numbers.mjs';
import { COLOURS, line, picture, px, text } from './svg.mjs';

const WIDTH = 760;
const LABELS = 330;
const VALUES = 70;
const ROW = 22;
const TOP = 34;

/**
 * Lying bars, one for each contender: the median, with a thin line from the least to the most of all rounds.
 *
 * @param bars `[{ label, colour, median, rounds }]`
 */
export function barPlot({ title, note, bars }) {
  const most = Math.max(...bars.flatMap(({ median, rounds }) => [median, ...rounds]));
  const scale = (WIDTH - LABELS - VALUES) / (most || 1);
  const drawn = bars.flatMap(({ label, colour, median, rounds }, i) => {
    const y = TOP + i * ROW;
    const middle = y + ROW / 2 - 2;
    const end = LABELS + scale * Math.max(median, ...rounds);
    return [
      text(LABELS - 8, middle + 4, label, { anchor: 'end' }),
      `<rect x="${LABELS}" y="${px(y)}" width="${px(scale * median)}" height="${ROW - 5}" rx="2" fill="${colour}"/>`,
      line(LABELS + scale * Math.min(...rounds), middle, LABELS + scale * Math.max(...rounds), middle, COLOURS.text),
      text(end + 6, middle + 4, number(median)),
    ];
  });
  return picture({
    width: WIDTH,
    height: TOP + bars.length * ROW + 6,
    title,
    note,
    parts: [text(0, 16, title, { bold: true }), ...drawn],
  });
}
