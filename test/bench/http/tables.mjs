import { factor, number, spread } from '../report/numbers.mjs';
import { VARIANTS } from './variants.mjs';

// Tables are lists of rows of text, the head first; ../report/text.mjs makes Markdown or plain text of them.

export const LEGEND =
  'Medians of all rounds, in brackets from least to most. Per request: CPU time of the application and of Redis, and ' +
  'commands sent to Redis. Cores: how much of one the application had; well below 1, something else kept the machine ' +
  'busy, and the requests/s are too low. N× is N times the requests/s of no guard, and of throttler + nest-lab with ' +
  'as many limits: the median of the rounds’ ratios.';

const COLUMNS = {
  '': ({ title }) => title,
  'requests/s': ({ perSecond }) => spread(perSecond),
  'p50 ms': ({ p50 }) => number(p50.median),
  'p99 ms': ({ p99 }) => number(p99.median),
  'app CPU µs': ({ appCpu }) => number(appCpu.median),
  cores: ({ appCores }) => number(appCores.median),
  'Redis CPU µs': ({ redisCpu }) => number(redisCpu.median),
  sent: ({ sent }) => number(sent.median),
  'no guard': ({ toBare }) => factor(toBare?.median),
  throttler: ({ toThrottler }) => factor(toThrottler?.median),
};

/** All that was measured on one adapter. */
export const adapterTable = (rows) => [
  Object.keys(COLUMNS),
  ...rows.map((row) => Object.values(COLUMNS).map((text) => text(row))),
];

/** Ratios of requests/s, and what became of the targets. */
export const comparisonTable = (comparisons) => [
  ['requests/s', 'median of the ratios', 'ratio of the medians', 'target', '', 'app CPU'],
  ...comparisons.map(({ of, against, median, rounds, ofMedians, appCpu, target }) => [
    `${titleOf(of)}, to ${titleOf(against)}`,
    spread({ median, rounds }),
    number(ofMedians),
    target === undefined ? '' : `at least ${factor(target)}`,
    target === undefined ? '' : verdict(median, target),
    factor(appCpu),
  ]),
];

/** What it lacks of a target, or has beyond it, as a share of the target. */
function verdict(ratio, target) {
  const share = 100 * (ratio / target - 1);
  return share >= 0 ? `met, ${Math.floor(share)}% more` : `missed by ${Math.ceil(-share)}%`;
}

const titleOf = (id) => VARIANTS.find((variant) => variant.id === id).title;
