import { hasSlots } from '../../core/algorithms/index.js';
import { durationText } from '../../core/duration.js';
import type { Policy } from '../../core/policy.js';
import { blocked, forbidden, quotaExceeded, temporaryReducedCapacity } from '../../headers/problem-details.js';
import {
  denialFields,
  isBlocked,
  longestWait,
  policyField,
  rateLimitFields,
  shownAt,
  type HeaderProfile,
  type Verdict,
} from '../../headers/ratelimit-headers.js';
import { verdictsAfter } from './example-verdicts.js';
import {
  answer,
  documentedFields,
  waitForASecond,
  type DocumentedAnswer,
  type DocumentedFields,
} from './response-object.js';

/** A policy as a route uses it, and what depends on the request. */
export interface DocumentedPolicy {
  /** Where the limit is a function of the request, the policy has an example limit. */
  readonly policy: Policy;
  /** Units that a request spends; an example where that is a function of the request. */
  readonly cost: number;
  readonly isLimitDynamic: boolean;
  /** Whether a lookup finds all numbers, the window included. */
  readonly isResolved?: boolean;
  readonly isCostDynamic: boolean;
}

/** The documented answers of one route. */
export interface DocumentedAnswers {
  /** The header fields of the route's own answers. */
  readonly fields: DocumentedFields;
  /** 429, unless nothing can be denied. */
  readonly denial: DocumentedAnswer | undefined;
  /** 503, where a policy is closed while the store gives no answer. */
  readonly shedding: DocumentedAnswer | undefined;
  /** 403, where a policy has a deny list that answers 403. */
  readonly refusal: DocumentedAnswer | undefined;
}

/**
 * The answers of a route under these policies. The examples are what the algorithms decide of the first request, and of
 * the first that is denied when all requests come at once.
 *
 * @param closed the names of policies that answer 503 while the store gives no answer
 * @param refusing the names of policies whose deny list answers 403
 */
export function documentedAnswers(
  policies: readonly DocumentedPolicy[],
  closed: readonly string[],
  profile: HeaderProfile,
  refusing: readonly string[] = [],
): DocumentedAnswers {
  const text = policyField(policies.map(({ policy }) => shownAt(policy, SOME_TIME)));
  const fieldsOf = (verdicts: readonly Verdict[]) => rateLimitFields(profile, text, verdicts, SOME_TIME);
  const fields = documentedFields(fieldsOf(verdictsAfter(0, policies, SOME_TIME)));

  const charging = policies.filter(({ cost }) => cost > 0);
  const others = { shedding: sheddingOf(closed), refusal: refusalOf(refusing) };
  if (charging.length === 0) return { fields, denial: undefined, ...others };
  const admitted = Math.min(
    ...charging.map(({ policy, cost }) => (policy.limit > 0 ? Math.floor(policy.burst / cost) : 0)),
  );
  const denied = verdictsAfter(admitted, policies, SOME_TIME);
  const violated = denied.filter(({ decision }) => !decision.allowed).map(({ policy }) => policy.name);
  const denial = answer(
    `Over the quota of ${OR.format(charging.map(inWords))}.`,
    documentedFields([...fieldsOf(denied), ...denialFields(denied)]),
    (isBlocked(denied) ? blocked : quotaExceeded)(violated, longestWait(denied)),
  );
  return { fields, denial, ...others };
}

/** The legacy reset field is a clock reading, and calendar windows vary, so examples need a time. */
const SOME_TIME = Date.UTC(2027, 0, 1);

const sheddingOf = (closed: readonly string[]): DocumentedAnswer | undefined =>
  closed.length === 0
    ? undefined
    : answer(
        `The quota of ${OR.format(closed.map(quoted))} cannot be checked at the moment.`,
        waitForASecond,
        temporaryReducedCapacity(closed),
      );

const refusalOf = (refusing: readonly string[]): DocumentedAnswer | undefined =>
  refusing.length === 0
    ? undefined
    : answer(`On the deny list of ${OR.format(refusing.map(quoted))}.`, {}, forbidden(refusing));

const OR = new Intl.ListFormat('en', { type: 'disjunction' });

const quoted = (name: string): string => `"${name}"`;

/** `"burst" (20 per 1s)`: the name as the body and the header fields write it, and what a client should know. */
function inWords({ policy, cost, isLimitDynamic, isResolved, isCostDynamic }: DocumentedPolicy): string {
  const { name, limit, period, burst, blocks } = policy;
  if (isResolved) return `${quoted(name)} (depends on the caller)`;
  const span = hasSlots(policy) ? 'at once' : `per ${period.text}`;
  const parts = [isLimitDynamic ? `depends on the caller, ${span}` : `${limit} ${span}`];
  if (!isLimitDynamic && burst !== limit) parts.push(`at most ${burst} at once`);
  if (isCostDynamic) parts.push('a request costs as much as it asks for');
  else if (cost !== 1) parts.push(`a request costs ${cost}`);
  if (blocks && blocks.spans[0]! > 0) {
    parts.push(`callers over the limit are blocked for ${blocks.spans.map(durationText).join(', then ')}`);
  }
  return `${quoted(name)} (${parts.join(', ')})`;
}
