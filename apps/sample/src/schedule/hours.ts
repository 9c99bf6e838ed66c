const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A timer's clock may be set back by a little while it runs, and then it rings before the hour. */
const EARLY = 5 * MINUTE;

/**
 * The hour that a job is for, as in `2026-11-22T10`: the same for all instances whose timers ring at about the same
 * time, though no two of their clocks agree.
 *
 * @param now the epoch in milliseconds
 */
export const hourOf = (now: number): string => new Date(now + EARLY).toISOString().slice(0, 'yyyy-mm-ddThh'.length);

/** When the limit of the trial changes next, and how. */
export function nextChange(now: number): { at: number; job: 'raise' | 'set back' } {
  const at = (Math.floor(now / HOUR) + 1) * HOUR;
  return { at, job: new Date(at).getUTCHours() === 0 ? 'set back' : 'raise' };
}
