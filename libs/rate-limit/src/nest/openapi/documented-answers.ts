import { durationText } from '../../core/duration.js';
import type { Policy } from '../../core/policy.js';
import { verdictsAfter } from './example-verdicts.js';
import {
  blocked,
  forbidden,
  PROBLEM_JSON,
  quotaExceeded,
  temporaryReducedCapacity,
  type ProblemDetails,
} from '../../headers/problem-details.js';
import {
  denialFields,
  longestWait,
  policyField,
  rateLimitFields,
  isBlocked,
  type Field,
  type HeaderProfile,
  type Verdict,
} from '../../headers/ratelimit-headers.js';

/** A policy as a route uses it, and what of it a document cannot know. */
export interface DocumentedPolicy {
  /** Where the limit is a function of the request, one of some limit. */
  readonly policy: Policy;
  /** Units that a request spends; where that is a function of the request, some number. */
  readonly cost: number;
  readonly isLimitDynamic: boolean;
  /** Whether all of it is looked up for a request: its window too. */
  readonly isResolved?: boolean;
  readonly isCostDynamic: boolean;
}

/** A Header Object of OpenAPI. */
export interface DocumentedField {
  readonly description: string;
  readonly schema: object;
  readonly example?: string | number;
}

/** A Response Object of OpenAPI. */
export interface DocumentedAnswer {
  readonly description: string;
  readonly headers: Readonly<Record<string, DocumentedField>>;
  readonly content: Readonly<Record<string, { readonly schema: object; readonly example?: ProblemDetails }>>;
}

/** What OpenAPI says of the answers of one route, or of several that are documented as one. */
export interface DocumentedAnswers {
  /** On what the route answers itself. */
  readonly fields: Readonly<Record<string, DocumentedField>>;
  /** 429, unless nothing is ever denied. */
  readonly denial: DocumentedAnswer | undefined;
  /** 503, where a policy is closed while the store gives no answer. */
  readonly shedding: DocumentedAnswer | undefined;
  /** 403, where a policy has a deny list that answers so. */
  readonly refusal: DocumentedAnswer | undefined;
}

/**
 * The answers of a route under these policies. The examples are judged by their algorithms: the first request, and the
 * first that is denied when all come at once.
 *
 * @param closed the names of those that answer 503 while the store gives none
 * @param refusing the names of those that answer 403 to whom their list denies
 */
export function documentedAnswers(
  policies: readonly DocumentedPolicy[],
  closed: readonly string[],
  profile: HeaderProfile,
  refusing: readonly string[] = [],
): DocumentedAnswers {
  const first = verdictsAfter(0, policies);
  const text = policyField(policies.map(({ policy }) => policy));
  const fieldsOf = (verdicts: readonly Verdict[]) => rateLimitFields(profile, text, verdicts, SOME_TIME);
  const fields = documentedFields(fieldsOf(first));

  const charging = policies.filter(({ cost }) => cost > 0);
  const others = { shedding: sheddingOf(closed), refusal: refusalOf(refusing) };
  if (charging.length === 0) return { fields, denial: undefined, ...others };
  const admitted = Math.min(
    ...charging.map(({ policy, cost }) => (policy.limit > 0 ? Math.floor(policy.burst / cost) : 0)),
  );
  const denied = verdictsAfter(admitted, policies);
  const violated = denied.filter(({ decision }) => !decision.allowed).map(({ policy }) => policy.name);
  const denial = answer(
    `Over the quota of ${OR.format(charging.map(inWords))}.`,
    documentedFields([...fieldsOf(denied), ...denialFields(denied)]),
    (isBlocked(denied) ? blocked : quotaExceeded)(violated, longestWait(denied)),
  );
  return { fields, denial, ...others };
}

/** What is true of several routes whose answers are not the same: that they have them, and no name or number. */
export function inCommon(answers: readonly DocumentedAnswers[]): DocumentedAnswers {
  const [first, ...others] = answers as [DocumentedAnswers, ...DocumentedAnswers[]];
  const text = JSON.stringify(first);
  if (others.every((other) => JSON.stringify(other) === text)) return first;
  const isDenied = answers.every(({ denial }) => denial !== undefined);
  const isShed = answers.every(({ shedding }) => shedding !== undefined);
  const isRefused = answers.every(({ refusal }) => refusal !== undefined);
  return {
    fields: withoutExamples(first.fields),
    denial: isDenied ? generic('Over a quota.', first.denial!) : undefined,
    shedding: isShed ? generic('A quota cannot be checked at the moment.', first.shedding!) : undefined,
    refusal: isRefused ? generic('Refused.', first.refusal!) : undefined,
  };
}

const sheddingOf = (closed: readonly string[]): DocumentedAnswer | undefined =>
  closed.length === 0
    ? undefined
    : answer(
        `The quota of ${OR.format(closed.map((name) => `"${name}"`))} cannot be checked at the moment.`,
        { 'Retry-After': { description: 'Seconds to wait.', schema: SECONDS, example: 1 } },
        temporaryReducedCapacity(closed),
      );

const refusalOf = (refusing: readonly string[]): DocumentedAnswer | undefined =>
  refusing.length === 0
    ? undefined
    : answer(`On the deny list of ${OR.format(refusing.map((name) => `"${name}"`))}.`, {}, forbidden(refusing));

const OR = new Intl.ListFormat('en', { type: 'disjunction' });

/** `"burst" (20 per 1s)`: the name as the body and the header fields tell it, and what a client should know of it. */
function inWords({ policy, cost, isLimitDynamic, isResolved, isCostDynamic }: DocumentedPolicy): string {
  const { name, limit, window, burst, blocks } = policy;
  if (isResolved) return `"${name}" (as many as the caller may)`;
  const span = durationText(window);
  const parts = [isLimitDynamic ? `as many per ${span} as the caller may` : `${limit} per ${span}`];
  if (!isLimitDynamic && burst !== limit) parts.push(`at most ${burst} at once`);
  if (isCostDynamic) parts.push('a request costs as much as it asks for');
  else if (cost !== 1) parts.push(`a request costs ${cost}`);
  if (blocks && blocks.spans[0]! > 0)
    parts.push(`who goes over is blocked for ${blocks.spans.map(durationText).join(', then ')}`);
  return `"${name}" (${parts.join(', ')})`;
}

/** The legacy reset is a clock reading. */
const SOME_TIME = Date.UTC(2027, 0, 1);

const answer = (
  description: string,
  headers: DocumentedAnswer['headers'],
  example: ProblemDetails,
): DocumentedAnswer => ({ description, headers, content: { [PROBLEM_JSON]: { schema: PROBLEM, example } } });

const generic = (description: string, { headers }: DocumentedAnswer): DocumentedAnswer => ({
  description,
  headers: withoutExamples(headers),
  content: { [PROBLEM_JSON]: { schema: PROBLEM } },
});

const withoutExamples = (fields: DocumentedAnswer['headers']): DocumentedAnswer['headers'] =>
  Object.fromEntries(Object.entries(fields).map(([name, { description, schema }]) => [name, { description, schema }]));

function documentedFields(fields: readonly Field[]): Record<string, DocumentedField> {
  const documented: Record<string, DocumentedField> = {};
  for (const [name, value] of fields) {
    const about = FIELDS[name];
    if (!about) continue;
    documented[name] = { ...about, example: about.schema === TEXT ? value : Number(value) };
  }
  return documented;
}

const TEXT = { type: 'string' };
const WHOLE_NUMBER = { type: 'integer', minimum: 0 };
const SECONDS = { type: 'integer', minimum: 1 };

/** What is not here is of no use to who reads a document. */
const FIELDS: Readonly<Record<string, { description: string; schema: object }>> = {
  'RateLimit-Policy': {
    description: 'The policies of the request: `q` units in `w` seconds each.',
    schema: TEXT,
  },
  RateLimit: {
    description: 'What is left: `r` units of each policy, and more in `t` seconds.',
    schema: TEXT,
  },
  'X-RateLimit-Limit': { description: 'The limit of the policy nearest to its end.', schema: WHOLE_NUMBER },
  'X-RateLimit-Remaining': { description: 'What is left of it, in units.', schema: WHOLE_NUMBER },
  'X-RateLimit-Reset': { description: 'When more of it is available, in seconds since 1970.', schema: WHOLE_NUMBER },
  'Retry-After': {
    description: 'Seconds until the same request would pass. Absent if it never can.',
    schema: SECONDS,
  },
};

/** {@link ProblemDetails}. In place, not by reference: the name may be taken by a schema of the application's. */
const PROBLEM = {
  title: 'RateLimitProblem',
  description: 'Problem details (RFC 9457).',
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'violated-policies'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'Which kind of problem it is.' },
    title: { type: 'string', description: 'The kind in words.' },
    status: { type: 'integer', description: 'The status of the answer.' },
    detail: { type: 'string', description: 'What happened, and what to do.' },
    'violated-policies': { type: 'array', items: { type: 'string' }, description: 'The policies that are the reason.' },
  },
};
