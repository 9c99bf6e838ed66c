/** More of this is better; of everything else, less is. */
const MORE_IS_BETTER = new Set(['perSecond']);

/** The best of some contenders in one figure, each figure for itself: nobody has to be best in all of them. */
export function best(row, metric, isMeant) {
  const values = row.contenders.filter(isMeant).map((contender) => contender[metric].median);
  if (values.length === 0) return undefined;
  return MORE_IS_BETTER.has(metric) ? Math.max(...values) : Math.min(...values);
}

/** As their documentation sets them up. */
export const isPeer = ({ kind }) => kind === 'peer';
/** Peers again, with a client or an option set for speed. */
export const isTuned = ({ kind }) => kind === 'tuned';
export const isOurs = ({ kind }) => kind === 'ours';
