import uPlot from './uPlot.js';

/** A mark is one request: where the quota stood, and whether it passed. */
/** @typedef {{ at: number, left: number, isAllowed: boolean }} Mark */

/** Room below an empty quota, where the denied ones are marked, as a part of the whole. */
const BELOW = 0.16;

/** What is left of a quota over time, a line; what was admitted a dot on it, what was denied a cross below. */
export class QuotaChart {
  /** @type {number[]} */
  #at = [];
  /** @type {number[]} */
  #left = [];
  /** @type {Mark[]} */
  #marks = [];
  #capacity = 1;
  #span = 30;
  #plot;

  /** @param {HTMLElement} element */
  constructor(element) {
    const axis = {
      stroke: () => colour('--quiet'),
      grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    this.#plot = new uPlot(
      {
        ...sizeOf(element),
        padding: [10, 14, 0, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: false }, y: { range: () => [-BELOW * this.#capacity, (1 + BELOW / 2) * this.#capacity] } },
        axes: [
          { ...axis, size: 26, space: 60, values: (_, splits) => splits.map((second) => `${second} s`) },
          { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
        ],
        series: [
          {},
          {
            stroke: () => colour('--accent'),
            fill: () => colour('--fill'),
            fillTo: 0,
            width: 2,
            paths: uPlot.paths.stepped?.({ align: 1 }),
            points: { show: false },
          },
        ],
        hooks: { draw: [(plot) => this.#drawMarks(plot)] },
      },
      [[], []],
      element,
    );
    new ResizeObserver(() => this.#plot.setSize(sizeOf(element))).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
  }

  /**
   * @param {number} capacity the most that can be left
   * @param {number} window in seconds
   */
  scale(capacity, window) {
    this.#capacity = Math.max(1, capacity);
    this.#span = Math.max(30, 2 * window);
  }

  /**
   * @param {number} at seconds since the page was opened
   * @param {number} left
   */
  add(at, left) {
    this.#at.push(at);
    this.#left.push(left);
  }

  /** @param {Mark} mark */
  mark(mark) {
    this.#marks.push(mark);
  }

  clear() {
    this.#at = [];
    this.#left = [];
    this.#marks = [];
  }

  /** @param {number} now seconds since the page was opened */
  draw(now) {
    const from = Math.max(0, now - this.#span);
    const old = this.#at.findIndex((at) => at >= from) - 1;
    if (old > 0) {
      this.#at.splice(0, old);
      this.#left.splice(0, old);
      this.#marks = this.#marks.filter(({ at }) => at >= from);
    }
    // The line goes on to the present.
    const last = this.#left.at(-1);
    const data = last === undefined ? [[], []] : [this.#at.concat(now), this.#left.concat(last)];
    this.#plot.batch(() => {
      this.#plot.setData(/** @type {[number[], number[]]} */ (data), false);
      this.#plot.setScale('x', { min: from, max: from + this.#span });
    });
  }

  /** @param {uPlot} plot */
  #drawMarks(plot) {
    const { ctx } = plot;
    const size = 4 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.bbox.left, plot.bbox.top - size, plot.bbox.width, plot.bbox.height + 2 * size);
    ctx.clip();
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const { at, left, isAllowed } of this.#marks) {
      const x = plot.valToPos(at, 'x', true);
      const y = plot.valToPos(isAllowed ? left : (-BELOW / 2) * this.#capacity, 'y', true);
      ctx.beginPath();
      if (isAllowed) {
        ctx.fillStyle = colour('--allowed');
        ctx.arc(x, y, size, 0, 2 * Math.PI);
        ctx.fill();
      } else {
        ctx.strokeStyle = colour('--denied');
        ctx.moveTo(x - size, y - size);
        ctx.lineTo(x + size, y + size);
        ctx.moveTo(x + size, y - size);
        ctx.lineTo(x - size, y + size);
        ctx.stroke();
      }
    }
    ctx.restore();
  }
}

/** @param {HTMLElement} element */
const sizeOf = ({ clientWidth, clientHeight }) => ({ width: clientWidth, height: clientHeight });

const probe = document.createElement('span');
probe.hidden = true;
document.body.append(probe);

/** @type {Map<string, string>} */
const colours = new Map();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => colours.clear());

/**
 * A colour of the page's own, as it is in the scheme of the moment.
 *
 * @param {string} name
 */
function colour(name) {
  const known = colours.get(name);
  if (known !== undefined) return known;
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  colours.set(name, found);
  return found;
}
