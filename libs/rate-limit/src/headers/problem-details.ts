import { DAY, HOUR } from '../core/duration.js';

/**
 * The body of a refusal: problem details of RFC 9457, sent as `application/problem+json`. The types and
 * `violated-policies` are those of draft-ietf-httpapi-ratelimit-headers.
 */
export interface ProblemDetails {
  /**
   * The problem type, a URI of IANA's registry: `…#quota-exceeded`, `…#temporary-reduced-capacity` or
   * `…#abnormal-usage-detected`; `about:blank` if the status says everything.
   */
  readonly type: string;
  /** The type in words. */
  readonly title: string;
  /** The status code again: 403, 429 or 503. */
  readonly status: number;
  /** What happened this time, for people. */
  readonly detail: string;
  /** The same for front ends, in the field where Nest's own exceptions have their text. */
  readonly message: string;
  /** The names of the policies that refused the request. */
  readonly 'violated-policies': readonly string[];
}

export const PROBLEM_JSON = 'application/problem+json';

const REGISTRY = 'https://iana.org/assignments/http-problem-types';

const ABNORMAL_USAGE = {
  type: `${REGISTRY}#abnormal-usage-detected`,
  title: 'Request not satisfied due to detection of abnormal request pattern',
  status: 429,
};

/** 429: the quota of these policies is spent. `wait` in milliseconds, -1 when the request can never pass. */
export const quotaExceeded = (policies: readonly string[], wait: number): ProblemDetails => ({
  type: `${REGISTRY}#quota-exceeded`,
  title: 'Request cannot be satisfied as assigned quota has been exceeded',
  status: 429,
  ...(wait < 0
    ? neverPasses(policies)
    : {
        detail: `Not enough is left of the quota of ${named(policies)}; try again in ${inWords(wait)}.`,
        message: `Too many requests: over the quota of ${named(policies)}. Try again in ${inWords(wait)}.`,
      }),
  'violated-policies': policies,
});

/** 429: the caller is blocked under these policies, whatever the quota holds. */
export const blocked = (policies: readonly string[], wait: number): ProblemDetails => ({
  ...ABNORMAL_USAGE,
  ...(wait < 0
    ? neverPasses(policies)
    : {
        detail: `Requests under ${named(policies)} are blocked for now; try again in ${inWords(wait)}.`,
        message: `Too many requests: blocked under ${named(policies)}. Try again in ${inWords(wait)}.`,
      }),
  'violated-policies': policies,
});

/** 503: what is left of these policies is unknown, and their `onStoreFailure` is `closed`. */
export const temporaryReducedCapacity = (policies: readonly string[]): ProblemDetails => ({
  type: `${REGISTRY}#temporary-reduced-capacity`,
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
  status: 503,
  detail: `The quota of ${named(policies)} cannot be checked at the moment; try again shortly.`,
  message: `The quota of ${named(policies)} cannot be checked at the moment. Try again shortly.`,
  'violated-policies': policies,
});

/** 403: a deny list names the caller. No problem type says more than the status. */
export const forbidden = (policies: readonly string[]): ProblemDetails => ({
  type: 'about:blank',
  title: 'Forbidden',
  status: 403,
  ...same('Requests of this client are refused.'),
  'violated-policies': policies,
});

/** 429: the same, for deny lists that answer with this status. */
export const abnormalUsage = (policies: readonly string[]): ProblemDetails => ({
  ...ABNORMAL_USAGE,
  ...same('Requests of this client are refused.'),
  'violated-policies': policies,
});

const same = (text: string) => ({ detail: text, message: text });

const neverPasses = (policies: readonly string[]) =>
  same(`The request costs more than ${named(policies)} can ever hold.`);

/** Rounded up. A wait of weeks in seconds says nothing to people; programs have `Retry-After`. */
function inWords(wait: number): string {
  if (wait >= 2 * DAY) return `${Math.ceil(wait / DAY)} days`;
  if (wait >= 2 * HOUR) return `${Math.ceil(wait / HOUR)} hours`;
  return `${Math.max(1, Math.ceil(wait / 1_000))} s`;
}

const named = (policies: readonly string[]): string => policies.map((name) => `"${name}"`).join(', ');
