import { median, rounded } from '../measuring/statistics.mjs';
import { ADAPTERS, VARIANTS } from './variants.mjs';

/** What is compared, and what is aimed at on Fastify. On Express nothing is. */
const COMPARISONS = [
  { of: 'ours-redis', against: 'bare', target: 0.75 },
  { of: 'ours-redis', against: 'throttler-redis', target: 1.8 },
  { of: 'ours-redis-3', against: 'bare', target: 0.65 },
  { of: 'ours-redis-3', against: 'throttler-redis-3', target: 3 },
  { of: 'late-ours', against: 'late-promise', target: 0.8 },
  { of: 'ours-redis', against: 'promise' },
  { of: 'ours-memory', against: 'throttler-memory' },
];

/** What was measured of these, adapter by adapter. */
export const comparisonsOf = (measured) =>
  ADAPTERS.flatMap((adapter) =>
    COMPARISONS.flatMap(({ of, against, target }) => {
      const ratio = ratioOf(measured, { adapter, of, against });
      if (!ratio) return [];
      const { median: appCpu } = ratioOf(measured, { adapter, of, against }, 'appCpu');
      const aim = adapter === 'fastify' && target !== undefined ? { target, met: ratio.median >= target } : {};
      return [{ adapter, of, against, ...ratio, appCpu, ...aim }];
    }),
  );

/** How a cell stands to no guard, and to throttler + nest-lab with as many limits. */
export function standingOf(measured, { adapter, variant: { id: of, limits } }) {
  const likes = ({ limiter, store, limits: theirs }) =>
    limiter === 'throttler' && store === 'redis' && theirs === limits;
  return {
    toBare: ratioOf(measured, { adapter, of, against: 'bare' }),
    toThrottler: ratioOf(measured, { adapter, of, against: VARIANTS.find(likes)?.id }),
  };
}

/**
 * A figure of one variant to another's, in each round, and the median of these: what slows the machine down for a
 * while slows both down. Beside it the ratio of the medians.
 */
function ratioOf(measured, { adapter, of, against }, figure = 'perSecond') {
  const [ours, theirs] = [of, against].map((id) =>
    measured.find((cell) => cell.adapter === adapter && cell.variant.id === id)?.rounds.map((round) => round[figure]),
  );
  if (!ours || !theirs) return undefined;
  const rounds = ours.map((rate, round) => rate / theirs[round]);
  return {
    median: rounded(median(rounds)),
    ofMedians: rounded(median(ours) / median(theirs)),
    rounds: rounds.map(rounded),
  };
}
