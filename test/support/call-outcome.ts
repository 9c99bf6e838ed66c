import type { CallOutcome } from '../../libs/rate-limit/src/nest/ending/call-outcome.js';

/** A call that succeeded, of which nothing more is known; or what `some` says of it. */
export const callOutcome = (some: Partial<CallOutcome>): CallOutcome => ({
  ending: 'success',
  refusedBy: undefined,
  status: 200,
  error: undefined,
  value: undefined,
  found: undefined,
  held: 1,
  used: undefined,
  context: undefined as never,
  ...some,
});
