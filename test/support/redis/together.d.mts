import type { Server, ServerKind } from './launch.mjs';

export interface Member {
  readonly args?: readonly string[];
  /** Whether it writes down what it is told while it runs, as a sentinel must, and knows it again after a restart. */
  readonly hasConfigFile?: boolean;
}

/**
 * Starts servers that are to find each other at 127.0.0.1, where the tests find them too.
 * In a container their pids are the container's own.
 */
export function launchTogether(
  kind: ServerKind,
  members: readonly Member[],
  options: { runDir: string },
): Promise<{ servers: Server[]; stop(): Promise<void> }>;
