import type { ServerKind } from '../launch.mjs';
import type { Candidate } from './fetch.mjs';

type Say = (note: string) => void;
type Find = (say: Say) => FoundServer[] | Promise<FoundServer[]>;

/** What is known of a server before it has been started. */
export type FoundServer = Pick<ServerKind, 'how' | 'command'>;

/** Every kind of server that can be started here. Nothing is fetched where one is at hand, unless `from` asks for it. */
export function findKinds(
  runDir: string,
  say: Say,
  options?: { from?: string; ways?: Record<string, { atHand: Find; elsewhere: Find }> },
): Promise<ServerKind[]>;

/** The candidate with the name and version that its server tells; undefined, and said why, when it does not start. */
export function named(candidate: Candidate, runDir: string, say: Say): Promise<ServerKind | undefined>;
