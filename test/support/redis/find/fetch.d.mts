import type { ServerKind } from '../launch.mjs';

/** What is known of a server before it has been started. */
export type Candidate = Required<Pick<ServerKind, 'how' | 'command' | 'suite'>>;

/** Servers from Debian's packages, which need neither root nor an installation. Fetched once, then cached. */
export function serversToFetch(say: (note: string) => void): Promise<Candidate[]>;

/** The same, for those who need one: the next is fetched when it is asked for. */
export function serversOneByOne(say: (note: string) => void): AsyncGenerator<Candidate>;

/** The folder that the package and the libraries it needs are unpacked in. */
export function fetched(suite: string, name: string): Promise<string>;

/** The suite that this machine's own packages are from. */
export function ownSuite(): string;
