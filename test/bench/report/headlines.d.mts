import type { Row } from '../targets.mjs';

/** What a busy reader quotes. */
export function headlines(data: {
  readonly quick: boolean;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly rows: readonly Row[];
}): string;
