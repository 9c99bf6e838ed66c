/** Where a limiter logs. Nest's Logger is one, and so is the console. */
export interface LimiterLogger {
  /** What is good to know, as where quotas are kept. */
  log(message: string): void;
  /** What needs attention, as limits that were lost. */
  warn(message: string): void;
  /** What is broken, as a store that stopped answering. */
  error(message: string): void;
}

/**
 * The same logger, but no call, start or timer fails because of it: what it throws or rejects with is dropped, because
 * there is nowhere else to log it.
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
