import { best, isPeer, isTuned } from './report/standing.mjs';

const DECISIONS = { metric: 'perSecond', what: 'decisions/s' };
const P50 = { metric: 'p50', what: 'p50' };
const P99 = { metric: 'p99', what: 'p99' };
const APP_CPU = { metric: 'appCpu', what: 'application CPU' };
const REDIS_CPU = { metric: 'redisCpu', what: 'Redis CPU' };
const OWN_CPU = { metric: 'own', what: 'CPU without the loop, µs' };
const GARBAGE = { metric: 'garbage', what: 'bytes allocated' };

/** Set before anything was built. */
const plan = (row, of, ...targets) => targets.map((target) => ({ row, of, from: 'plan', ...target }));
/** Set later: no row where a peer is faster. Where it says more than the plan did, the plan's target is gone. */
const parity = (row, of, ...targets) => targets.map((target) => ({ row, of, from: 'parity', ...target }));

/** What is aimed at. `factor` compares with the best peer in that figure, unless `against` says with what else. */
export const targets = [
  ...parity('one-policy', 'fixed-window', { ...DECISIONS, atLeast: 3 }),
  ...plan('one-policy', 'fixed-window', { ...APP_CPU, atMost: 0.25 }, { ...REDIS_CPU, atMost: 0.3 }),
  ...parity('one-policy', 'fixed-window', { ...P99, atMost: 1 }),
  // Half of what it was when somebody first looked.
  ...parity('one-policy', 'fixed-window', { ...GARBAGE, against: 'nothing', atMost: 1_350 }),
  ...['sliding-window', 'token-bucket', 'gcra'].flatMap((of) =>
    plan(
      ...['one-policy', of],
      ...[
        { ...DECISIONS, atLeast: 2 },
        { ...APP_CPU, atMost: 0.3 },
        { ...REDIS_CPU, atMost: 0.4 },
      ],
    ),
  ),
  ...parity('one-policy', 'sliding-log', { ...DECISIONS, atLeast: 1 }),
  ...plan('three-policies', 'fixed-window', { ...DECISIONS, atLeast: 4 }),
  ...parity('one-in-flight', 'fixed-window', { ...P50, atMost: 1 }, { ...APP_CPU, atMost: 1 }),
  ...parity('one-in-flight', 'fixed-window', { ...P50, against: 'incr', atMost: 1.12 }),
  ...parity('sixteen-in-flight', 'fixed-window', { ...DECISIONS, atLeast: 1.3 }),
  ...['limits-64', 'limits-256'].flatMap((row) =>
    ['limit-10000', 'limit-1000000'].flatMap((of) =>
      parity(row, of, { ...DECISIONS, against: 'fixed-window', atLeast: 0.97 }),
    ),
  ),
  ...plan('denied-hot-key', 'fixed-window', { ...DECISIONS, atLeast: 10 }),
  ...plan('denied-hot-key', 'fixed-window', {
    ...{ metric: 'sent', what: 'Redis commands per decision' },
    ...{ against: 'nothing', atMost: 0.01 },
  }),
  ...['fixed-window', 'token-bucket', 'gcra'].flatMap((of) =>
    parity('memory', of, { ...OWN_CPU, against: 'nothing', atMost: 0.6 }, { ...OWN_CPU, atMost: 1 }),
  ),
  ...parity('memory', 'sliding-window', { ...OWN_CPU, against: 'nothing', atMost: 1 }),
  ...parity('memory', 'sliding-log', { ...OWN_CPU, against: 'nothing', atMost: 2 }),
  ...parity('memory', 'sliding-log-hour', { ...OWN_CPU, against: 'nothing', atMost: 2 }),
  // It keeps the time of each hit, as a log does.
  ...parity('memory', 'sliding-log-hour', { ...OWN_CPU, against: 'throttler-memory', atMost: 1 }),
  ...plan('bytes', 'fixed-window', { metric: 'bytes', what: 'bytes per key', atMost: 1 }),
];

/** How each target stands in what was measured; those of rows that were left out are left out. */
export const verdicts = (rows) => targets.flatMap((target) => verdict(target, rows) ?? []);

function verdict(target, rows) {
  const { metric, against = 'peers', atLeast, atMost } = target;
  const row = rows.find(({ id }) => id === target.row);
  const contender = (id) => row?.contenders.find((each) => each.id === id);
  const figureOf = (id) => contender(id)?.[metric]?.median;
  const ours = figureOf(target.of);
  if (typeof ours !== 'number') return undefined;
  const measures = { peers: () => best(row, metric, isPeer), nothing: () => 1 };
  const value = ours / (measures[against] ?? (() => figureOf(against)))();
  const tuned = against === 'peers' ? best(row, metric, isTuned) : undefined;
  return {
    ...target,
    title: `${row.name}: ${contender(target.of).label.replace('nestjs-redis-rate-limit, ', '')}, ${target.what}`,
    against,
    value,
    /** Against the best of the peers that were set for speed. */
    tuned: tuned === undefined ? undefined : ours / tuned,
    met: atLeast === undefined ? value <= atMost : value >= atLeast,
    /** By how much it is missed, as a share of what was aimed at. */
    short: atLeast === undefined ? value / atMost - 1 : 1 - value / atLeast,
  };
}
