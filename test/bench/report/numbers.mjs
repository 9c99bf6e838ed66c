const thousands = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Three digits that mean something, and no exponent. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value !== 0 && Math.abs(value) < 0.001) return '< 0.001';
  return Math.abs(value) >= 100 ? thousands.format(value) : String(Number(value.toPrecision(3)));
}

export const factor = (value) => (value === undefined || !Number.isFinite(value) ? '–' : `${number(value)}×`);

/** `12.3 (11–14)`: the median, and from least to most. */
export function spread({ median, rounds }) {
  const seen = rounds.filter((value) => value !== null);
  if (seen.length < 2) return number(median);
  return `${number(median)} (${number(Math.min(...seen))}–${number(Math.max(...seen))})`;
}
