import ky from 'ky';

export interface Patience {
  /** How often one request is sent at most. Default 5. */
  tries?: number;
  /** The longest it waits for one of them, in milliseconds. Default a minute. */
  maxWait?: number;
}

/** ky that waits for Retry-After, and throws its HTTPError at once when a retry would not help. */
export const patientKy = ({ tries = 5, maxWait = 60_000 }: Patience = {}) => {
  const longest = Math.min(maxWait, 2 ** 31 - 1); // the longest that a timer can wait
  return ky.create({
    retry: {
      limit: tries - 1,
      // Not 429: ky tries again without a Retry-After, and too early after one above its maxRetryAfter.
      statusCodes: [408, 500, 502, 503, 504],
      afterStatusCodes: [503],
    },
    hooks: {
      afterResponse: [
        (_request, _options, { status, headers }, { retryCount }) => {
          const wait = status === 429 ? retryAfter(headers) : undefined;
          if (wait === undefined || wait > longest || retryCount >= tries - 1) return undefined;
          // Never less, and not all clients at once.
          return ky.retry({ delay: Math.min(wait * (1 + Math.random() / 10), longest) });
        },
      ],
    },
  });
};

/** Whole seconds or a date, by the server's own clock if it sends one. Anything else counts as no `Retry-After`. */
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after') ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const span = text.endsWith('GMT') ? Date.parse(text) - (Date.parse(headers.get('date') ?? '') || Date.now()) : NaN;
  return Number.isNaN(span) ? undefined : Math.max(0, span);
}
