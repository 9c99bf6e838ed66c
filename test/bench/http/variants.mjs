const ours = { limiter: 'ours', fields: ['ratelimit', 'ratelimit-policy'] };
const throttler = { limiter: 'throttler', fields: ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'] };
/** Of several limits, each has fields of its own. */
const threeFields = throttler.fields.flatMap((field) => ['minute', 'hour', 'day'].map((name) => `${field}-${name}`));

/**
 * What is served, and the header fields by which its answers show that they were limited. module.mjs builds it. In
 * the order in which it is measured: what is compared stands close together.
 */
export const VARIANTS = [
  { id: 'bare', title: 'no guard' },
  { id: 'promise', title: 'a guard that only returns a promise', guard: 'promise' },
  { id: 'ours-redis', title: 'ours, Redis', ...ours, store: 'redis', limits: 1 },
  { id: 'throttler-redis', title: 'throttler + nest-lab', ...throttler, store: 'redis', limits: 1 },
  {
    id: 'throttler-redis-3',
    title: 'throttler + nest-lab, 3 limits',
    ...{ ...throttler, fields: threeFields, store: 'redis', limits: 3 },
  },
  { id: 'ours-redis-3', title: 'ours, Redis, 3 policies', ...ours, store: 'redis', limits: 3 },
  { id: 'ours-memory', title: 'ours, memory', ...ours, store: 'memory', limits: 1 },
  { id: 'throttler-memory', title: 'throttler, memory', ...throttler, store: 'memory', limits: 1 },
  { id: 'late-promise', title: 'users, then a promise at the handler', users: true, guard: 'promise' },
  { id: 'late-ours', title: 'users, then ours late, Redis', ...ours, users: true, store: 'redis', limits: 1 },
];

export const ADAPTERS = ['fastify', 'express'];

/** The part of the matrix that is asked for: a cell is named `fastify ours-redis`. */
export const cells = (only = /^/) =>
  ADAPTERS.flatMap((adapter) => VARIANTS.map((variant) => ({ adapter, variant }))).filter((cell) =>
    only.test(nameOf(cell)),
  );

export const nameOf = ({ adapter, variant }) => `${adapter} ${variant.id}`;
