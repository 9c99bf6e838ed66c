/**
 * The body of a refusal: problem details of RFC 9457, sent as `application/problem+json`. The types and
 * `violated-policies` are those of draft-ietf-httpapi-ratelimit-headers.
 */
export interface ProblemDetails {
  /**
   * The problem type, a URI of IANA's registry: `…#quota-exceeded`, `…#temporary-reduced-capacity` or
   * `…#abnormal-usage-detected`; `about:blank` where the status says it all.
   */
  readonly type: string;
  /** The type in words. */
  readonly title: string;
  /** The status code again: 403, 429 or 503. */
  readonly status: number;
  /** What happened this time, for people. */
  readonly detail: string;
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
  detail:
    wait < 0
      ? `The request costs more than ${named(policies)} can ever hold.`
      : `Not enough is left of the quota of ${named(policies)}; try again in ${Math.max(1, Math.ceil(wait / 1_000))} s.`,
  'violated-policies': policies,
});

/** 429: the caller is blocked under these policies, whatever the quota holds. */
export const blocked = (policies: readonly string[], wait: number): ProblemDetails => ({
  ...ABNORMAL_USAGE,
  detail:
    wait < 0
      ? `The request costs more than ${named(policies)} can ever hold.`
      : `Requests under ${named(policies)} are blocked for now; try again in ${Math.max(1, Math.ceil(wait / 1_000))} s.`,
  'violated-policies': policies,
});

/** 503: what is left of these policies is unknown, and their `onStoreFailure` is `closed`. */
export const temporaryReducedCapacity = (policies: readonly string[]): ProblemDetails => ({
  type: `${REGISTRY}#temporary-reduced-capacity`,
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
  status: 503,
  detail: `The quota of ${named(policies)} cannot be checked at the moment; try again shortly.`,
  'violated-policies': policies,
});

/** 403: a deny list names the caller. No problem type says more than the status. */
export const forbidden = (policies: readonly string[]): ProblemDetails => ({
  type: 'about:blank',
  title: 'Forbidden',
  status: 403,
  detail: REFUSED,
  'violated-policies': policies,
});

/** 429: the same, for deny lists that answer with this status. */
export const abnormalUsage = (policies: readonly string[]): ProblemDetails => ({
  ...ABNORMAL_USAGE,
  detail: REFUSED,
  'violated-policies': policies,
});

const REFUSED = 'Requests of this client are refused.';

const named = (policies: readonly string[]): string => policies.map((name) => `"${name}"`).join(', ');
