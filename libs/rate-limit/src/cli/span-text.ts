const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

/** A span as people read it, rounded up to a second: `1 h 5 m`. At most two units. */
export function spanText(span: number): string {
  let rest = Math.max(1, Math.ceil(span / 1_000)) * 1_000;
  const parts: string[] = [];
  for (const [length, unit] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(' ');
}
