import { algorithmOf, hasSlots } from '../core/algorithms/index.js';
import type { Decision } from '../core/decision.js';
import { RateLimitError } from '../core/errors.js';
import { shown } from '../core/shown.js';
import { isChecked, type Policy } from '../core/policy.js';
import { sfInteger, sfList, sfString } from './structured-fields.js';

/** A header field: its name and its text. */
export type Field = readonly [name: string, value: string];

/**
 * Which header fields report the quota. `ietf`: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers. `legacy`: the three older `X-RateLimit-*` fields, for the tightest policy only,
 * with the reset in epoch seconds. `both`: all of them. `none`: no field. A denial has `Retry-After` in any case.
 */
export type HeaderProfile = 'ietf' | 'legacy' | 'both' | 'none';
export const headerProfiles: readonly HeaderProfile[] = ['ietf', 'legacy', 'both', 'none'];

/** A policy, the cost of a request in its units, and the decision. */
export interface Verdict {
  /** The hit's policy. */
  readonly policy: Policy;
  /** The hit's cost, in units. */
  readonly cost: number;
  /** The store's answer to the hit. */
  readonly decision: Decision;
}

/** Rounded up: a client must not come back too early. */
const seconds = (span: number): number => Math.ceil(span / 1_000);

/** A policy as `RateLimit-Policy` shows it. */
interface ShownPolicy {
  readonly name: string;
  readonly limit: number;
  /** The length of its present window; `undefined` for `concurrency`, which has none. */
  readonly seconds: number | undefined;
}

/**
 * A policy that did not judge the request.
 *
 * @param now milliseconds since the epoch
 */
export const shownAt = (policy: Policy, now: number): ShownPolicy => ({
  name: policy.name,
  limit: policy.limit,
  seconds: secondsOf(policy, now),
});

const secondsOf = (policy: Policy, now: number): number | undefined =>
  hasSlots(policy) ? undefined : policy.period.secondsAt(now);

/**
 * A policy with the limit that decided, which may have been set at run time. Which calendar window it is, the store's clock
 * decides, and ours may be wrong by hours. So this looks up the window in its middle, half a length before its end.
 *
 * @param now milliseconds since the epoch
 */
export function shownBy(verdict: Verdict, now: number): ShownPolicy {
  const { name, period } = verdict.policy;
  const { limit, resetAfter } = verdict.decision;
  const time = isUntilWindowEnds(verdict) ? now + resetAfter - period.length / 2 : now;
  return { name, limit, seconds: secondsOf(verdict.policy, time) };
}

/** Whether `resetAfter` is the rest of a calendar window. A full quota has no rest, and a block may end later. */
const isUntilWindowEnds = ({ policy, decision: { resetAfter, blockedFor } }: Verdict): boolean =>
  policy.period.isCalendar && resetAfter > 0 && resetAfter !== blockedFor;

const policyItem = ({ name, limit, seconds }: ShownPolicy): string =>
  `${sfString(name)};q=${sfInteger(limit)};${seconds === undefined ? `qu=${sfString(CONCURRENT)}` : `w=${sfInteger(seconds)}`}`;

/** The quota unit of the draft for requests that have not ended. */
const CONCURRENT = 'concurrent-requests';

/**
 * `RateLimit-Policy: "burst";q=100;w=60, "daily";q=1000;w=86400`. It is the same for every answer under these policies,
 * unless one has a calendar window.
 */
export const policyField = (policies: readonly ShownPolicy[]): string => sfList(policies.map(policyItem));

/** `RateLimit: "burst";r=99;t=60, "daily";r=999;t=86400`. A full quota has no `t`, because nothing is to come back. */
const limitField = (verdicts: readonly Verdict[]): string =>
  sfList(
    verdicts.map(({ policy: { name }, decision: { remaining, resetAfter } }) => {
      const item = `${sfString(name)};r=${sfInteger(remaining)}`;
      return resetAfter > 0 ? `${item};t=${sfInteger(seconds(resetAfter))}` : item;
    }),
  );

/**
 * The fields of a profile.
 *
 * @param policies the text of `RateLimit-Policy`
 * @param now milliseconds since the epoch: the legacy reset is a clock reading
 */
export function rateLimitFields(
  profile: HeaderProfile,
  policies: string,
  verdicts: readonly Verdict[],
  now: number,
): Field[] {
  const fields: Field[] = [];
  if (verdicts.length === 0 || profile === 'none') return fields;
  if (profile !== 'legacy') {
    fields.push(['RateLimit-Policy', policies], ['RateLimit', limitField(verdicts)]);
  }
  if (profile !== 'ietf') {
    const verdict = tightest(verdicts);
    const { limit, remaining } = verdict.decision;
    fields.push(
      ['X-RateLimit-Limit', sfInteger(limit)],
      ['X-RateLimit-Remaining', sfInteger(remaining)],
      ['X-RateLimit-Reset', sfInteger(resetAt(verdict, now))],
    );
  }
  return fields;
}

/**
 * When more quota becomes available, in seconds since the epoch. Rounded up, except for a calendar window: it ends with a
 * second, and the decision is a moment old by now, so its end is the nearest second.
 */
function resetAt(verdict: Verdict, now: number): number {
  const reset = now + verdict.decision.resetAfter;
  return isUntilWindowEnds(verdict) ? Math.round(reset / 1_000) : seconds(reset);
}

/**
 * The fields that a denial adds. Retry-After is the wait until the request would pass, in whole seconds (RFC 9110); it
 * is left out when the request can never pass. And no cache may keep the answer (RFC 6585).
 */
export const denialFields = (verdicts: readonly Verdict[]): Field[] => fieldsOfWait(longestWait(verdicts));

/** The same of a denial whose wait is known, in milliseconds; -1 if the request can never pass. */
export function fieldsOfWait(wait: number): Field[] {
  const noStore: Field = ['Cache-Control', 'no-store'];
  return wait < 0 ? [noStore] : [['Retry-After', String(Math.max(1, seconds(wait)))], noStore];
}

/**
 * Milliseconds until the same request would pass every policy; -1 if it never will. A denial in the late phase comes
 * after the early policies were charged, so the request must wait for those units too.
 */
export function longestWait(verdicts: readonly Verdict[]): number {
  const waits = verdicts.map(waitToRepeat);
  return waits.includes(-1) ? -1 : Math.max(0, ...waits);
}

/** Whether a block is one of the reasons for a denial. */
export const isBlocked = (verdicts: readonly Verdict[]): boolean =>
  verdicts.some(({ decision: { allowed, blockedFor } }) => !allowed && blockedFor !== undefined);

/** Exact for one unit more than is left. Beyond that an upper bound: by then the quota is full again. */
function waitToRepeat({ policy, cost, decision }: Verdict): number {
  const { allowed, remaining, resetAfter, retryAfter } = decision;
  if (!allowed) return retryAfter;
  if (cost <= remaining) return 0;
  const algorithm = algorithmOf(policy.algorithm);
  return cost === remaining + 1 || algorithm.refillsAtOnce ? resetAfter : algorithm.longestLifetime(policy);
}

/**
 * The header fields for code that uses `RateLimiter` instead of the guard: what is left of these policies and, on a
 * denial, when to retry.
 *
 * @throws RateLimitError `RL_POLICY_INVALID` for a policy that `definePolicy()` did not make
 * @param now milliseconds since the epoch: `X-RateLimit-Reset` of the `legacy` profile is a clock reading, and windows
 *   of the calendar vary in length
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
export function rateLimitHeaders(
  verdicts: readonly Verdict[],
  { profile = 'ietf', now = Date.now() }: { profile?: HeaderProfile; now?: number } = {},
): Record<string, string> {
  for (const { policy } of verdicts) {
    if (!isChecked(policy)) {
      throw new RateLimitError(
        'RL_POLICY_INVALID',
        `a verdict's policy must come from definePolicy(), got ${shown(policy)}`,
      );
    }
  }
  const policies = policyField(verdicts.map((verdict) => shownBy(verdict, now)));
  const isDenied = verdicts.some(({ decision }) => !decision.allowed);
  return Object.fromEntries([
    ...rateLimitFields(profile, policies, verdicts, now),
    ...(isDenied ? denialFields(verdicts) : []),
  ]);
}

/** The policy that limits the client most: a violated one first, then the least left, then the longest wait. */
function tightest(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((least, other) => {
    const [a, b] = [least.decision, other.decision];
    const order = Number(a.allowed) - Number(b.allowed) || a.remaining - b.remaining || b.resetAfter - a.resetAfter;
    return order <= 0 ? least : other;
  });
}
