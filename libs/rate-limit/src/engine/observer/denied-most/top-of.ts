import { checkKnownKeys } from '../../../core/checks.js';
import { shownNumber } from '../../../core/shown.js';
import { RateLimitError } from '../../../core/errors.js';
import type { LimiterParts } from '../../limiter-parts.js';
import { MOST_KEYS, type DeniedCaller } from './denied-most.js';

/**
 * The callers that a policy denied most.
 *
 * @throws RateLimitError `RL_UNKNOWN_POLICY`, `RL_OPTION_INVALID`, `RL_OPTION_UNKNOWN`
 */
export function topOf(
  { deniedMost, catalogue }: LimiterParts,
  policy: string,
  options: { most?: number } = {},
): DeniedCaller[] {
  checkKnownKeys(options, ['most'], 'the second argument of top()');
  const { most = 10 } = options;
  if (!Number.isSafeInteger(most) || most < 1 || most > MOST_KEYS) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `most of top() must be a whole number from 1 to ${MOST_KEYS}, got ${shownNumber(most)}`,
    );
  }
  // Policies without a place in the catalogue are known once they have denied somebody.
  if (!deniedMost.knows(policy) && !catalogue.get(policy)) catalogue.live(policy, 'use a name of the catalogue');
  return deniedMost.top(policy, most);
}
