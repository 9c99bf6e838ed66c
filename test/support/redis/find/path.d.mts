import type { FoundServer } from './kinds.mjs';

/** The servers installed on this machine, in the folders of `path`. */
export function serversOnPath(say: (note: string) => void, path?: string): FoundServer[];
