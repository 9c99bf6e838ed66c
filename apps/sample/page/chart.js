import uPlot from './uPlot.js';

/**
 * One request: what it left of the quota, whether it passed, and whether Redis was away.
 *
 * @typedef {{ at: number, left: number, isAllowed: boolean, isLocal: boolean }} Mark
 */

/** Room below an empty quota, where the denied ones are marked, as a part of the whole. */
const BELOW = 0.16;
/** Denials of so many seconds are one, with their number when there are at least so many. */
const AT_ONCE = { within: 0.15, from: 4 };

/** What is left of a quota over time, a line; what was admitted a dot on it, what was denied a cross below, a block a band. */
export class QuotaChart {
  /** @type {number[]} */
  #at = [];
  /** @type {number[]} */
  #left = [];
  /** @type {Mark[]} */
  #marks = [];
  /** @type {{ at: number, left: number } | undefined} */
  #next;
  /** @type {{ from: number, until: number }[]} */
  #blocks = [];
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
        hooks: { drawAxes: [(plot) => this.#drawBlocks(plot)], draw: [(plot) => this.#drawMarks(plot)] },
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
   * @param {{ at: number, left: number } | null} [next] when more comes back by itself, and how much is left then; null:
   *   nobody knows
   */
  add(at, left, next) {
    if (this.#next && this.#next.at < at) this.#push(this.#next.at, this.#next.left);
    this.#push(at, left);
    const isAhead = this.#next && this.#next.at > at;
    this.#next = next === null ? undefined : (next ?? (isAhead ? this.#next : undefined));
  }

  /**
   * @param {number} at
   * @param {number} left
   */
  #push(at, left) {
    this.#at.push(at);
    this.#left.push(left);
  }

  /** @param {Mark} mark */
  mark(mark) {
    this.#marks.push(mark);
  }

  /**
   * @param {number} at seconds since the page was opened
   * @param {number} until when a block ends that stands at that moment; not later: none stands
   */
  block(at, until) {
    const last = this.#blocks.at(-1);
    const isOn = last !== undefined && last.until > at;
    if (isOn) last.until = Math.max(at, until);
    else if (until > at) this.#blocks.push({ from: at, until });
  }

  clear() {
    this.#blocks = [];
    this.#at = [];
    this.#left = [];
    this.#marks = [];
    this.#next = undefined;
  }

  /** @param {number} now seconds since the page was opened */
  draw(now) {
    const from = Math.max(0, now - this.#span);
    const old = this.#at.findIndex((at) => at >= from) - 1;
    if (old > 0) {
      this.#at.splice(0, old);
      this.#left.splice(0, old);
      this.#marks = this.#marks.filter(({ at }) => at >= from);
      this.#blocks = this.#blocks.filter(({ until }) => until >= from);
    }
    // The line goes on to the present.
    const last = this.#left.at(-1);
    const data = last === undefined ? [[], []] : [this.#at.concat(now), this.#left.concat(last)];
    this.#plot.batch(() => {
      this.#plot.setData(/** @type {[number[], number[]]} */ (data), false);
      this.#plot.setScale('x', { min: from, max: from + this.#span });
    });
  }

  /**
   * Behind everything else, the rest of a block that stands included.
   *
   * @param {uPlot} plot
   */
  #drawBlocks(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colour('--blocked');
    for (const { from, until } of this.#blocks) {
      const left = plot.valToPos(from, 'x', true);
      ctx.fillRect(left, bbox.top, plot.valToPos(until, 'x', true) - left, bbox.height);
    }
    ctx.restore();
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
    ctx.fillStyle = ctx.strokeStyle = colour('--allowed');
    for (const { at, left, isLocal } of this.#marks.filter(({ isAllowed }) => isAllowed)) {
      ctx.beginPath();
      ctx.arc(plot.valToPos(at, 'x', true), plot.valToPos(left, 'y', true), size, 0, 2 * Math.PI);
      if (isLocal) ctx.stroke();
      else ctx.fill();
    }
    ctx.fillStyle = ctx.strokeStyle = colour('--denied');
    ctx.font = `600 ${3 * size}px system-ui, sans-serif`;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    const y = plot.valToPos((-BELOW / 2) * this.#capacity, 'y', true);
    for (const { at, count } of groups(this.#marks.filter(({ isAllowed }) => !isAllowed))) {
      const x = plot.valToPos(at, 'x', true);
      ctx.beginPath();
      ctx.moveTo(x - size, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.moveTo(x + size, y - size);
      ctx.lineTo(x - size, y + size);
      ctx.stroke();
      if (count >= AT_ONCE.from) ctx.fillText(` ${count}`, x + size, y);
    }
    ctx.restore();
  }
}

/**
 * What came at about the same moment, as one.
 *
 * @param {readonly Mark[]} marks
 */
function groups(marks) {
  /** @type {{ at: number, count: number }[]} */
  const found = [];
  for (const { at } of marks) {
    const last = found.at(-1);
    if (last && at - last.at < AT_ONCE.within) last.count++;
    else found.push({ at, count: 1 });
  }
  return found;
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
