/** A logger for the limiter. Nest's `Logger` and `console` fit. */
export interface LimiterLogger {
  /** Information, such as where quotas are kept. */
  log(message: string): void;
  /** Something that needs attention, such as limits that were lost. */
  warn(message: string): void;
  /** A failure, such as a store that stopped answering. */
  error(message: string): void;
}

/**
 * The same logger, but its errors are dropped: no request, boot or timer may fail because of them, and there is nowhere
 * else to log them.
 */
export const harmless = (logger: LimiterLogger): LimiterLogger => ({
  log: (message) => dropErrors(() => logger.log(message)),
  warn: (message) => dropErrors(() => logger.warn(message)),
  error: (message) => dropErrors(() => logger.error(message)),
});

/** It may be async, whatever its type says. */
function dropErrors(log: () => unknown): void {
  try {
    const result = log();
    if (result !== undefined) Promise.resolve(result).catch(() => undefined);
  } catch {
    // See above.
  }
}
