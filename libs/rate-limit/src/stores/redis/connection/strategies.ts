import { saidBy } from '../../../core/shown.js';

/** In milliseconds: 100 at first, half a second at most, a quarter more or less. */
export const backOff = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times, 4), 500) * (0.75 + Math.random() / 2);

/** ioredis asks a strategy in the middle of an event, where what it throws would end the process. */
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
        if (!isTold) tell(`${name} of redis throws, so it is not asked: ${saidBy(error)}`);
        isTold = true;
        return backOff(times);
      }
    };
  }
  return harmless;
}
