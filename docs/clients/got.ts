import got, { type Got } from 'got';

export interface Patience {
  /** How often one request is sent at most. Default 5. */
  tries?: number;
  /** The longest it waits for one of them, in milliseconds. Default a minute. */
  maxWait?: number;
}

/** got that waits for Retry-After, and throws its HTTPError at once where a denied request need not be tried again. */
export const patientGot = ({ tries = 5, maxWait = 60_000 }: Patience = {}): Got =>
  got.extend({
    retry: {
      limit: tries - 1,
      maxRetryAfter: maxWait,
      calculateDelay({ attemptCount, error: { response, options }, retryAfter, computedValue }) {
        if (response?.statusCode !== 429) return computedValue; // as got would
        // Denied before the handler ran, so any method may be sent again. No Retry-After: it never passes.
        if (retryAfter === undefined || retryAfter > maxWait || attemptCount >= tries) return 0;
        // A stream or an iterator, as got makes of a form too, is used up.
        const { body } = options;
        if (body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body)) return 0;
        return retryAfter * (1 + Math.random() / 10); // never less, and not all clients at once
      },
    },
  });
