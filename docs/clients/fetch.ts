import { parseList } from 'structured-headers';

export interface Patience {
  /** How often one request is sent at most. Default 5. */
  tries?: number;
  /** The longest it waits in all, in milliseconds. Default a minute. */
  maxWait?: number;
  now?: () => number;
  sleep?: (span: number, signal?: AbortSignal | null) => Promise<void>;
}

/** A fetch that waits when it is denied, and before it would be. It returns a denial that it cannot wait for. */
export function patientFetch({ tries = 5, maxWait = 60_000, now = Date.now, sleep = asleep }: Patience = {}) {
  const longest = Math.min(maxWait, 2 ** 31 - 1); // the longest that a timer can wait
  /** When more becomes available, by method and url, for quotas that are spent. */
  const opensAt = new Map<string, number>();

  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    // A stream is used up by the first try. Node takes iterators too.
    const most = init.body instanceof ReadableStream || Symbol.asyncIterator in Object(init.body) ? 1 : tries;
    const place = `${init.method ?? 'GET'} ${String(url).replace(/[?#].*/, '')}`;
    for (let tried = 1, waited = 0; ; tried++) {
      const wait = (opensAt.get(place) ?? 0) - now();
      if (wait > 0 && waited + wait <= longest) {
        const pause = Math.min(wait * (1 + Math.random() / 10), longest - waited);
        waited += pause;
        await sleep(pause, init.signal); // never less, and not all clients at once
      }
      const response = await fetch(url, init);
      const span = response.status === 429 ? retryAfter(response, now()) : untilMore(response);
      if (opensAt.size >= 1_000) opensAt.clear(); // forgetting costs one denial at most
      if (span === undefined) opensAt.delete(place);
      else opensAt.set(place, now() + span);
      // No Retry-After: such a request never passes.
      if (response.status !== 429 || span === undefined || tried >= most || waited + span > longest) return response;
      await response.body?.cancel();
    }
  };
}

/** Whole seconds or a date, by the server's own clock if it sends one. Anything else counts as no `Retry-After`. */
function retryAfter({ headers }: Response, now: number): number | undefined {
  const text = headers.get('retry-after') ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const span = text.endsWith('GMT') ? Date.parse(text) - (Date.parse(headers.get('date') ?? '') || now) : NaN;
  return Number.isNaN(span) ? undefined : Math.max(0, span);
}

/** The longest `t` of the policies that have nothing left: `RateLimit: "burst";r=0;t=9, "daily";r=12;t=3600` is 9 s. */
function untilMore({ headers }: Response): number | undefined {
  try {
    const spent = parseList(headers.get('ratelimit') ?? '').filter(([, told]) => told.get('r') === 0);
    return spent.length === 0 ? undefined : Math.max(...spent.map(([, told]) => Number(told.get('t') ?? 0))) * 1_000;
  } catch {
    return undefined; // a field of that name by another API
  }
}

function asleep(span: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => (clearTimeout(timer), reject(signal?.reason as Error));
    const timer = setTimeout(() => (signal?.removeEventListener('abort', stop), resolve()), span);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
