import { PROBLEM_JSON, type ProblemDetails } from '../../headers/problem-details.js';
import type { Field } from '../../headers/ratelimit-headers.js';

/** A Header Object of OpenAPI. */
export interface DocumentedField {
  readonly description: string;
  readonly schema: object;
  readonly example?: string | number;
}

export type DocumentedFields = Readonly<Record<string, DocumentedField>>;

/** A Response Object of OpenAPI. */
export interface DocumentedAnswer {
  readonly description: string;
  readonly headers: DocumentedFields;
  readonly content: Readonly<Record<string, { readonly schema: object; readonly example?: ProblemDetails }>>;
}

export const answer = (description: string, headers: DocumentedFields, example: ProblemDetails): DocumentedAnswer => ({
  description,
  headers,
  content: { [PROBLEM_JSON]: { schema: PROBLEM, example } },
});

/** The same kind of answer without examples, because its names and numbers differ from route to route. */
export const answerWithoutExamples = (description: string, { headers }: DocumentedAnswer): DocumentedAnswer => ({
  description,
  headers: withoutExamples(headers),
  content: { [PROBLEM_JSON]: { schema: PROBLEM } },
});

export const withoutExamples = (fields: DocumentedFields): DocumentedFields =>
  Object.fromEntries(Object.entries(fields).map(([name, { description, schema }]) => [name, { description, schema }]));

/** Describes header fields; their values become the examples. */
export function documentedFields(fields: readonly Field[]): DocumentedFields {
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

/** Fields that are not here, such as the cache's, do not help readers of a document. */
const FIELDS: Readonly<Record<string, { description: string; schema: object }>> = {
  'RateLimit-Policy': {
    description: 'The policies of the request: `q` units in `w` seconds each, or `q` requests at once.',
    schema: TEXT,
  },
  RateLimit: {
    description: 'What is left: `r` units of each policy, and more in `t` seconds.',
    schema: TEXT,
  },
  'X-RateLimit-Limit': { description: 'The limit of the policy with the least quota left.', schema: WHOLE_NUMBER },
  'X-RateLimit-Remaining': { description: 'The units that are left of it.', schema: WHOLE_NUMBER },
  'X-RateLimit-Reset': { description: 'When more of it is available, in seconds since 1970.', schema: WHOLE_NUMBER },
  'Retry-After': {
    description: 'Seconds until the same request would pass. Absent if it never can.',
    schema: SECONDS,
  },
};

/** `Retry-After` of an answer that no policy decided. */
export const waitForASecond: DocumentedFields = {
  'Retry-After': { description: 'Seconds to wait.', schema: SECONDS, example: 1 },
};

/** {@link ProblemDetails}, written out: the application may have a schema of the name that a reference would use. */
const PROBLEM = {
  title: 'RateLimitProblem',
  description: 'Problem details (RFC 9457).',
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'message', 'violated-policies'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'Which kind of problem it is.' },
    title: { type: 'string', description: 'The kind in words.' },
    status: { type: 'integer', description: 'The status of the answer.' },
    detail: { type: 'string', description: 'What happened, and what to do.' },
    message: { type: 'string', description: 'The same, to show to people.' },
    'violated-policies': { type: 'array', items: { type: 'string' }, description: 'The policies that are the reason.' },
  },
};
