import { best, isPeer, isTuned } from './report/standing.mjs';

const DECISIONS = { metric: 'perSecond', what: 'decisions/s' };
const APP_CPU = { metric: 'appCpu', what: 'application CPU per decision' };
const REDIS_CPU = { metric: 'redisCpu', what: 'Redis CPU per decision' };

/** What was aimed at before anything was built. `factor` compares with the best peer in that figure. */
export const targets = [
  { row: 'one-policy', of: 'fixed-window', ...DECISIONS, atLeast: 2.5 },
  { row: 'one-policy', of: 'fixed-window', ...APP_CPU, atMost: 0.25 },
  { row: 'one-policy', of: 'fixed-window', ...REDIS_CPU, atMost: 0.3 },
  ...['sliding-window', 'token-bucket', 'gcra'].flatMap((of) => [
    { row: 'one-policy', of, ...DECISIONS, atLeast: 2 },
    { row: 'one-policy', of, ...APP_CPU, atMost: 0.3 },
    { row: 'one-policy', of, ...REDIS_CPU, atMost: 0.4 },
  ]),
  { row: 'three-policies', of: 'fixed-window', ...DECISIONS, atLeast: 4 },
  { row: 'one-in-flight', of: 'fixed-window', metric: 'p50', what: 'p50', against: 'incr', atMost: 1.15 },
  { row: 'denied-hot-key', of: 'fixed-window', ...DECISIONS, atLeast: 10 },
  {
    ...{ row: 'denied-hot-key', of: 'fixed-window', metric: 'sent', what: 'Redis commands per decision' },
    ...{ against: 'nothing', atMost: 0.01 },
  },
  { row: 'bytes', of: 'fixed-window', metric: 'bytes', what: 'bytes per key', atMost: 1 },
];

/** How each target stands in what was measured; those of rows that were left out are left out. */
export const verdicts = (rows) => targets.flatMap((target) => verdict(target, rows) ?? []);

function verdict(target, rows) {
  const { metric, against = 'peers', atLeast, atMost } = target;
  const row = rows.find(({ id }) => id === target.row);
  const ours = row?.contenders.find(({ id }) => id === target.of)?.[metric].median;
  if (ours === undefined) return undefined;
  const measure = {
    peers: () => best(row, metric, isPeer),
    nothing: () => 1,
    incr: () => row.contenders.find(({ id }) => id === 'incr')[metric].median,
  };
  const value = ours / measure[against]();
  const tuned = against === 'peers' ? best(row, metric, isTuned) : undefined;
  return {
    ...target,
    title: row.title,
    against,
    value,
    /** Against the best of the peers that were set for speed. */
    tuned: tuned === undefined ? undefined : ours / tuned,
    met: atLeast === undefined ? value <= atMost : value >= atLeast,
    /** By how much it is missed, as a share of what was aimed at. */
    short: atLeast === undefined ? value / atMost - 1 : 1 - value / atLeast,
  };
}
