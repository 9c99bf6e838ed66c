/** Where a limiter logs. Nest's Logger is one, and so is the console. */
export interface LimiterLogger {
  /** What is good to know, as where quotas are kept. */
  log(message: string): void;
  /** What needs attention, as limits that were lost. */
  warn(message: string): void;
  /** What is broken, as a store that stopped answering. */
  error(message: string): void;
}
