import { expect } from '@jest/globals';

/** In seconds. */
const LATER = 9;

/**
 * A `RateLimit` field, or one that a busy machine says some seconds later: `t` counts down meanwhile. For tests whose
 * point is another one.
 */
export function soonAfter(field: string): string {
  const pattern = escaped(field).replace(/;t=(\d+)/g, (_, t: string) => `;t=(${from(Number(t)).join('|')})`);
  return expect.stringMatching(new RegExp(`^${pattern}$`)) as unknown as string;
}

const from = (t: number): number[] => Array.from({ length: Math.min(LATER, t) }, (_, later) => t - later);

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
