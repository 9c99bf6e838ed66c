import { number } from './numbers.mjs';
import { COLOURS, line, picture, px, text, ticks } from './svg.mjs';

const WIDTH = 760;
const HEIGHT = 250;
const PANEL = { top: 56, bottom: 210, left: 62, right: 24 };

/**
 * One or two panels beside each other. Steps are set apart evenly: each is some times the one before.
 *
 * @param xs the steps
 * @param panels `[{ title, series: [{ label, colour, values }] }]`
 */
export function linePlot({ title, note, x, xs, panels }) {
  const width = WIDTH / panels.length;
  return picture({
    width: WIDTH,
    height: HEIGHT,
    title,
    note,
    parts: [
      text(0, 16, title, { bold: true }),
      ...panels.flatMap((panel, i) => panelParts({ ...panel, x, xs, from: i * width, width })),
    ],
  });
}

function panelParts({ title, series, x, xs, from, width }) {
  const { top, bottom } = PANEL;
  const left = from + PANEL.left;
  const right = from + width - PANEL.right;
  const marks = ticks(Math.max(...series.flatMap(({ values }) => values.map(Number))));
  const atX = (i) => (xs.length === 1 ? (left + right) / 2 : left + 12 + ((right - left - 24) * i) / (xs.length - 1));
  const atY = (value) => bottom - ((bottom - top) * value) / marks.at(-1);
  return [
    text(left, top - 14, title),
    ...marks.flatMap((mark) => [
      line(left, atY(mark), right, atY(mark)),
      text(left - 6, atY(mark) + 4, number(mark), { anchor: 'end' }),
    ]),
    ...xs.map((value, i) => text(atX(i), bottom + 16, number(value), { anchor: 'middle' })),
    text((left + right) / 2, bottom + 33, x, { anchor: 'middle' }),
    ...series.flatMap(({ label, colour, values }, i) => [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${values.map((value, at) => `${px(atX(at))},${px(atY(value))}`).join(' ')}"/>`,
      ...values.map((value, at) => `<circle cx="${px(atX(at))}" cy="${px(atY(value))}" r="3" fill="${colour}"/>`),
      series.length > 1
        ? text(right, top - 14 + 13 * (i - series.length + 1), label, { anchor: 'end', fill: colour })
        : '',
    ]),
  ].filter(Boolean);
}

export const SERIES = [COLOURS.ours, COLOURS.peer, COLOURS.other];
