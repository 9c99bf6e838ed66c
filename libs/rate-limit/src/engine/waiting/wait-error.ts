import type { Decision } from '../../core/decision.js';
import { RateLimitError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import { shown } from '../../core/shown.js';

/**
 * Waiting does not help: the quota returns after the timeout (`RL_WAIT_TIMEOUT`), or the call can never pass
 * (`RL_WAIT_NEVER`). Nothing was charged.
 */
export class RateLimitWaitError extends RateLimitError {
  /** `RateLimitWaitError`. */
  override readonly name = 'RateLimitWaitError';

  /** @internal */
  constructor(
    code: 'RL_WAIT_TIMEOUT' | 'RL_WAIT_NEVER',
    detail: string,
    /** The denial, as of now. */
    readonly decision: Decision,
  ) {
    super(code, detail);
  }

  /** How long to wait before the next attempt, in milliseconds. -1: the call can never pass. */
  get retryAfter(): number {
    return this.decision.retryAfter;
  }
}

export const tooLate = (
  { policy, key }: Pick<Hit, 'policy' | 'key'>,
  timeout: number,
  decision: Decision,
): RateLimitWaitError =>
  new RateLimitWaitError(
    'RL_WAIT_TIMEOUT',
    `${policy.name}: ${shown(key)} must wait ${decision.retryAfter} ms, which is more than is left of the timeout of ${timeout} ms; ` +
      'give wait() a longer timeout, or try again later (retryAfter)',
    decision,
  );

export function never({ policy, key, cost }: Hit, decision: Decision): RateLimitWaitError {
  const why =
    decision.by === 'list'
      ? `a deny list names ${shown(key)}`
      : `a cost of ${cost} is more than the policy ever allows at once (${policy.limit === 0 ? 0 : policy.burst})`;
  return new RateLimitWaitError('RL_WAIT_NEVER', `${policy.name}: waiting does not help, because ${why}`, decision);
}

export const closed = (): RateLimitError =>
  new RateLimitError('RL_WAIT_CLOSED', 'wait(): the limiter is closed, so nothing is waited for any more');
