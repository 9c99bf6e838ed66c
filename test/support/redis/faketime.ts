import { existsSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fetched, serversOneByOne } from './find/fetch.mjs';
import { named } from './find/kinds.mjs';
import { serverKinds, startRedis, type Server, type ServerKind, type StartOptions } from './servers.js';
import { thisRun } from './this-run.js';

/** A server whose wall clock can be set while it runs, as an administrator or NTP would. */
export interface FakeTimeServer {
  readonly server: Server;
  /** From here on its wall clock is so many seconds ahead of the true time, or behind. Its monotonic clock is not touched. */
  shift(seconds: number): Promise<void>;
}

type Say = (note: string) => void;

/** Jest shows nothing of what a suite logs whose tests are all skipped. */
const aloud: Say = (note) => void process.stderr.write(`${note}\n`);

/**
 * Of the kind given, or of the first at hand, fetched if need be, that runs with libfaketime. That needs a process from
 * a Debian package; those from trixie on do not run, since they cannot do without jemalloc.
 * Undefined, and said why, where there is none. Whoever starts it stops it.
 */
export async function startWithFakeTime(
  { kind, args }: StartOptions = {},
  say: Say = aloud,
): Promise<FakeTimeServer | undefined> {
  for await (const each of kind ? [kind] : packaged(say)) {
    try {
      return await started(each, args);
    } catch (error) {
      say(`no fake time for ${each.label}: ${(error as Error).message.split('\n')[0]!}`);
    }
  }
  say('*** No server here runs with libfaketime: what needs a clock that jumps is NOT TESTED. ***');
  return undefined;
}

/** For tests that need such a server. Without one they count as skipped, and the start has said so. */
export const describeWith = (faked: FakeTimeServer | undefined): jest.Describe => (faked ? describe : describe.skip);

/** The run's own kinds first, and then those that can be fetched. */
async function* packaged(say: Say): AsyncGenerator<ServerKind> {
  const own = serverKinds().filter(({ suite }) => suite);
  yield* own;
  for await (const candidate of serversOneByOne(say)) {
    if (own.some(({ command }) => isDeepStrictEqual(command, candidate.command))) continue;
    const kind = await named(candidate, thisRun().dir, say);
    if (kind) yield kind;
  }
}

async function started(kind: ServerKind, args?: readonly string[]): Promise<FakeTimeServer> {
  const library = await libraryFor(kind);
  const clock = join(mkdtempSync(join(thisRun().dir, 'clock-')), 'shift');
  setClock(clock, 0);
  const server = await startRedis({ kind: underClock(kind, library, clock), args });
  return { server, shift: async (seconds) => setClock(clock, seconds) };
}

/** Of the server's own suite, as both share a libc. */
async function libraryFor({ suite }: ServerKind): Promise<string> {
  if (!suite) throw new Error('it is not from a package');
  const lib = join(await fetched(suite, 'libfaketime'), 'usr/lib');
  const files = readdirSync(lib).map((each) => join(lib, each, 'faketime/libfaketimeMT.so.1'));
  const file = files.find((each) => existsSync(each));
  if (!file) throw new Error(`no libfaketime in ${lib}`);
  return file;
}

function underClock(kind: ServerKind, library: string, clock: string): ServerKind {
  const env = {
    // With libc's malloc instead of jemalloc, which asks for the time while it is made and would wait for itself.
    LD_PRELOAD: `${library} libc.so.6`,
    FAKETIME_TIMESTAMP_FILE: clock,
    // Read at every look at the clock: a step is to be seen at once.
    FAKETIME_NO_CACHE: 1,
    DONT_FAKE_MONOTONIC: 1,
  };
  return {
    ...kind,
    command: ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...kind.command!],
  };
}

/** Renamed, so that the server never reads half of it. */
function setClock(file: string, seconds: number): void {
  writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}`);
  renameSync(`${file}.new`, file);
}
