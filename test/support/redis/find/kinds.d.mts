import type { ServerKind } from '../launch.mjs';
import type { Candidate } from './fetch.mjs';

/** The candidate with the name and version that its server tells; undefined, and said why, when it does not start. */
export function named(
  candidate: Candidate,
  runDir: string,
  say: (note: string) => void,
): Promise<ServerKind | undefined>;
