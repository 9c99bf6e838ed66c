import { factor, number, spread } from './numbers.mjs';
import { best, isPeer } from './standing.mjs';

// Tables are lists of rows of text, the head first; others make Markdown or plain text of them.

const withFactor = (row, contender, metric) => {
  const peer = best(row, metric, isPeer);
  if (peer === undefined) return number(contender[metric].median);
  return `${number(contender[metric].median)} (${factor(contender[metric].median / peer)})`;
};

export const LEGEND =
  'Medians of all rounds; brackets after decisions/s: the slowest and the fastest round. N× is N times the best peer in ' +
  'that column. Per decision: CPU time, bytes that the application allocates on its heap, commands sent to Redis, and ' +
  'commands executed there (those inside scripts too).';

export const MEMORY_LEGEND =
  'The loop that asks costs something too. The first line is that loop alone, and the column beside the CPU time is ' +
  'without it: what the store itself costs. N× is N times the best peer.';

/** One situation. The factors are those to the best peer in that column. */
export const rowTable = (row) => (row.contenders.some(({ own }) => own) ? memoryTable(row) : redisTable(row));

const redisTable = (row) => [
  ['', 'decisions/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'app CPU µs', 'Redis CPU µs', 'bytes', 'sent', 'executed'],
  ...row.contenders.map((contender) => [
    contender.label,
    rate(row, contender),
    number(contender.p50.median),
    number(contender.p99.median),
    number(contender.p999.median),
    withFactor(row, contender, 'appCpu'),
    withFactor(row, contender, 'redisCpu'),
    number(contender.garbage.median),
    number(contender.sent.median),
    number(contender.executed.median),
  ]),
];

const memoryTable = (row) => [
  ['', 'decisions/s', 'p99 ms', 'p99.9 ms', 'app CPU µs', 'without the loop', 'bytes'],
  ...row.contenders.map((contender) => [
    contender.label,
    spread(contender.perSecond),
    number(contender.p99.median),
    number(contender.p999.median),
    number(contender.appCpu.median),
    contender.kind === 'floor' ? '' : withFactor(row, contender, 'own'),
    number(contender.garbage.median),
  ]),
];

const rate = (row, { perSecond }) => {
  const peer = best(row, 'perSecond', isPeer);
  return peer === undefined ? spread(perSecond) : `${spread(perSecond)} ${factor(perSecond.median / peer)}`;
};

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
  p999: 'p99.9 ms',
  appCpu: 'app CPU µs',
  redisCpu: 'Redis CPU µs',
  garbage: 'bytes',
  entries: 'entries',
  bytes: 'bytes of a log',
  script99: 'script p99 µs',
  longest: 'longest script µs, calmest round',
  unanswered: 'without Redis',
};

/**
 * One dimension of growth: the medians. Of the longest scripts the shortest: Redis times them by the clock on the wall,
 * and a machine with other things to do makes any of them long.
 */
export function growthTable({ x, steps }) {
  const metrics = Object.keys(COLUMNS).filter((metric) => metric in steps[0] && isTold(metric, steps));
  const shown = (step, metric) => number(metric === 'longest' ? least(step[metric]) : step[metric].median);
  return [
    [x, ...metrics.map((metric) => COLUMNS[metric])],
    ...steps.map((step) => [number(step.x), ...metrics.map((metric) => shown(step, metric))]),
  ];
}

/** That Redis answered every time need not be said. */
const isTold = (metric, steps) => metric !== 'unanswered' || steps.some((step) => Math.max(...step[metric].rounds) > 0);

const least = ({ rounds }) => Math.min(...rounds.map((value) => value ?? NaN));

const AGAINST = {
  peers: 'the best peer',
  incr: 'a bare INCR',
  'fixed-window': 'a limit of 5,000',
  'throttler-memory': '@nestjs/throttler, which keeps a log too',
  nothing: '',
};

/** The targets and what became of them. */
export const verdictTable = (verdicts) => [
  ['', 'target', 'measured', '', 'set by', 'to peers set for speed'],
  ...verdicts.map((verdict) => {
    const { title, from, against, atLeast, atMost, value, tuned, met, short } = verdict;
    const figure = against === 'nothing' ? number : factor;
    const bound = atLeast === undefined ? `at most ${figure(atMost)}` : `at least ${figure(atLeast)}`;
    return [
      title,
      [bound, AGAINST[against]].join(' ').trim(),
      figure(value),
      met ? 'met' : `missed by ${Math.ceil(100 * short)}%`,
      from,
      tuned === undefined ? '' : factor(tuned),
    ];
  }),
];
