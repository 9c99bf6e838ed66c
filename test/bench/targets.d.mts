interface Figure {
  readonly median: number;
}
interface Contender {
  readonly id: string;
  readonly label: string;
  readonly kind: 'ours' | 'peer' | 'tuned' | 'floor';
  readonly [metric: string]: Figure | string;
}
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly contenders: readonly Contender[];
}

export interface Verdict {
  readonly title: string;
  readonly value: number;
  readonly met: boolean;
  readonly short: number;
}

/** How each target stands in what was measured. */
export function verdicts(rows: readonly Row[]): Verdict[];
