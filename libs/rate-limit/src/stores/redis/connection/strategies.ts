import { saidBy } from '../../../core/shown.js';

/** The delay before the next attempt, in milliseconds: 100 at first, 500 at most, varied by a quarter. */
export const backOff = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times, 4), 500) * (0.75 + Math.random() / 2);

/** ioredis calls a strategy inside an event, where an error would end the process. So errors are caught here. */
export function withHarmlessStrategies(options: Record<string, unknown>, tell: (news: string) => void): object {
  const harmless = { ...options };
  for (const name of ['retryStrategy', 'clusterRetryStrategy']) {
    const strategy = options[name];
    if (typeof strategy !== 'function') continue;
    let isTold = false;
    harmless[name] = (times: number, ...more: unknown[]): unknown => {
      try {
        return (strategy as (times: number, ...more: unknown[]) => unknown)(times, ...more);
      } catch (error) {
        if (!isTold) tell(`${name} of redis threw, so the default delay is used: ${saidBy(error)}`);
        isTold = true;
        return backOff(times);
      }
    };
  }
  return harmless;
}
