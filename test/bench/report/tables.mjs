import { factor, number, spread } from './numbers.mjs';
import { best, isPeer } from './standing.mjs';

// Tables are lists of rows of text, the head first; others make Markdown or plain text of them.

const withFactor = (row, contender, metric) => {
  const peer = best(row, metric, isPeer);
  return `${number(contender[metric].median)} (${factor(contender[metric].median / peer)})`;
};

export const LEGEND =
  'Medians of all rounds, in brackets from least to most; N× is N times the best peer in that column. Per decision: ' +
  'commands sent to Redis, commands executed there (those inside scripts too), times Redis read from a socket.';

/** One situation. The factors are those to the best peer in that column. */
export const rowTable = (row) => [
  ['', 'decisions/s', 'p50 ms', 'p99 ms', 'app CPU µs', 'Redis CPU µs', 'sent', 'executed', 'reads'],
  ...row.contenders.map((contender) => [
    contender.label,
    `${spread(contender.perSecond)} ${factor(contender.perSecond.median / best(row, 'perSecond', isPeer))}`,
    number(contender.p50.median),
    number(contender.p99.median),
    withFactor(row, contender, 'appCpu'),
    withFactor(row, contender, 'redisCpu'),
    number(contender.sent.median),
    number(contender.executed.median),
    number(contender.reads.median),
  ]),
];

/** What is kept of a caller, a column for each of the rows that were measured. */
export const bytesTable = (rows) => [
  ['', ...rows.map(({ id }) => (id === 'bytes-denied' ? 'denied' : 'admitted'))],
  ...rows[0].contenders.map(({ id, label }) => [
    label,
    ...rows.map(({ contenders }) => number(contenders.find((each) => each.id === id).bytes.median)),
  ]),
];

const COLUMNS = {
  perSecond: 'decisions/s',
  p50: 'p50 ms',
  p99: 'p99 ms',
  appCpu: 'app CPU µs',
  redisCpu: 'Redis CPU µs',
  entries: 'entries',
  bytes: 'bytes',
  script99: 'script p99 µs',
  longest: 'longest script µs, calmest round',
  unanswered: 'without Redis',
};

/**
 * One dimension of growth: the medians. Of the longest scripts the shortest: Redis times them by the clock on the wall,
 * and a machine with other things to do makes any of them long.
 */
export function growthTable({ x, steps }) {
  const metrics = Object.keys(COLUMNS).filter((metric) => metric in steps[0]);
  const shown = (step, metric) => number(metric === 'longest' ? least(step[metric]) : step[metric].median);
  return [
    [x, ...metrics.map((metric) => COLUMNS[metric])],
    ...steps.map((step) => [number(step.x), ...metrics.map((metric) => shown(step, metric))]),
  ];
}

const least = ({ rounds }) => Math.min(...rounds.map((value) => value ?? NaN));

const AGAINST = { peers: 'the best peer', incr: 'a bare INCR', nothing: '' };

/** The targets and what became of them. `named` says a row by its `title`, or shorter by its `row`. */
export const verdictTable = (verdicts, named = 'title') => [
  ['', 'target', 'measured', '', 'against peers set for speed'],
  ...verdicts.map((verdict) => {
    const { of, what, against, atLeast, atMost, value, tuned, met, short } = verdict;
    const figure = against === 'nothing' ? number : factor;
    const bound = atLeast === undefined ? `at most ${figure(atMost)}` : `at least ${figure(atLeast)}`;
    return [
      `${verdict[named]}: ${of}, ${what}`,
      [bound, AGAINST[against]].join(' ').trim(),
      figure(value),
      met ? 'met' : `missed by ${Math.ceil(100 * short)}%`,
      factor(tuned),
    ];
  }),
];
