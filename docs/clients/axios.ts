import { setTimeout as sleep } from 'node:timers/promises';
import { create, getAdapter, isAxiosError, type AxiosAdapter, type AxiosInstance } from 'axios';

export interface Patience {
  /** How often one request is sent at most. Default 5. */
  tries?: number;
  /** The longest it waits in all, in milliseconds. Default a minute. */
  maxWait?: number;
}

/** axios that waits for Retry-After, and rejects at once when a retry would not help. */
export function patientAxios({ tries = 5, maxWait = 60_000 }: Patience = {}): AxiosInstance {
  const send = getAdapter('http');
  const longest = Math.min(maxWait, 2 ** 31 - 1); // the longest that a timer can wait
  // An adapter, not an interceptor: interceptors run around it, so none of them runs twice.
  const adapter: AxiosAdapter = async (config) => {
    for (let tried = 1, waited = 0; ; tried++) {
      try {
        return await send(config);
      } catch (error) {
        const denial = isAxiosError(error) && error.response?.status === 429 ? error.response : undefined;
        const wait = denial && retryAfter(denial.headers as Record<string, string>);
        const isStream = typeof (config.data as { pipe?: unknown } | undefined)?.pipe === 'function'; // used up
        if (wait === undefined || isStream || tried >= tries || waited + wait > longest) throw error;
        const pause = Math.min(wait * (1 + Math.random() / 10), longest - waited);
        waited += pause;
        // With `responseType: 'stream'` it is not read by anybody else, and holds its connection.
        (denial?.data as { destroy?: () => void } | undefined)?.destroy?.();
        // Never less, and not all clients at once. axios turns the rejection of an abort into its CanceledError.
        await sleep(pause, undefined, { signal: config.signal as AbortSignal | undefined });
        config.cancelToken?.throwIfRequested();
      }
    }
  };
  return create({ adapter });
}

/** Whole seconds or a date, by the server's own clock if it sends one. Anything else counts as no `Retry-After`. */
function retryAfter({ 'retry-after': text = '', date = '' }: Record<string, string>): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const span = text.endsWith('GMT') ? Date.parse(text) - (Date.parse(date) || Date.now()) : NaN;
  return Number.isNaN(span) ? undefined : Math.max(0, span);
}
