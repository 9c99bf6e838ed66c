/** Of numbers in any order; NaN when there are none. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export const median = (values) => quantile(values, 0.5);

/** Four digits: more than any of these figures is worth, and a file of them stays small. */
export const rounded = (value) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null);

/** Round by round `[{ a: 1 }, { a: 2 }]` to figure by figure: `{ a: { median: 1.5, rounds: [1, 2] } }`. */
export function summarised(rounds) {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = rounds.map((round) => round[name]);
      return [name, { median: rounded(median(values)), rounds: values.map(rounded) }];
    }),
  );
}
