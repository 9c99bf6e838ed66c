import { ADAPTERS } from './variants.mjs';

/**
 * The order of measurements: in each round every cell once, and every round begins elsewhere, so that neither a slow
 * minute of the machine nor the place in a round favours anybody.
 *
 * @param roundsOf how often an adapter's cells are measured
 */
export function schedule(cells, roundsOf) {
  const most = Math.max(...ADAPTERS.map(roundsOf));
  return Array.from({ length: most }, (_, round) =>
    ADAPTERS.filter((adapter) => round < roundsOf(adapter)).flatMap((adapter) => {
      const own = cells.filter((cell) => cell.adapter === adapter);
      const first = Math.floor((round * own.length) / roundsOf(adapter));
      return [...own.slice(first), ...own.slice(0, first)].map((cell) => ({ cell, round }));
    }),
  ).flat();
}
