import { jest } from '@jest/globals';

/**
 * Here time counts: a deadline of 250 ms, and two seconds to come back. A machine that is busy with other specs may stop
 * a server for longer than that, which looks like a second fault. So a test that fails is run once more, and says why it
 * failed. What is wrong with the product fails both times.
 */
export const tryOnceMore = (): void => void jest.retryTimes(1, { logErrorsBeforeRetry: true });
