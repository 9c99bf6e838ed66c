import got, { type Got } from 'got';

export interface Patience {
  /** How often one request is sent at most. Default 5. */
  tries?: number;
  /** The longest it waits for one of them, in milliseconds. Default a minute. */
  maxWait?: number;
}

/** got that waits for Retry-After, and throws its HTTPError at once when a retry would not help. */
export const patientGot = ({ tries = 5, maxWait = 60_000 }: Patience = {}): Got => {
  const longest = Math.min(maxWait, 2 ** 31 - 1); // the longest that a timer can wait
  return got.extend({
    retry: {
      limit: tries - 1,
      maxRetryAfter: longest,
      calculateDelay({ attemptCount, error: { response, options }, computedValue }) {
        if (response?.statusCode !== 429) return computedValue; // as got would
        const wait = retryAfter(response.headers as Record<string, string>);
        // Denied before the handler ran, so any method may be sent again. No Retry-After: it never passes.
        if (wait === undefined || wait > longest || attemptCount >= tries) return 0;
        // A stream or an iterator is used up. got makes an iterator of a form, too.
        const { body } = options;
        if (body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body)) return 0;
        // Never less, and not all clients at once. got does not retry after 0.
        return Math.min(1 + wait * (1 + Math.random() / 10), longest);
      },
    },
  });
};

/** Whole seconds or a date, by the server's own clock if it sends one. Anything else counts as no `Retry-After`. */
function retryAfter({ 'retry-after': text = '', date = '' }: Record<string, string>): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const span = text.endsWith('GMT') ? Date.parse(text) - (Date.parse(date) || Date.now()) : NaN;
  return Number.isNaN(span) ? undefined : Math.max(0, span);
}
