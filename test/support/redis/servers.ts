import { launch, type Server, type ServerKind } from './launch.mjs';
import { thisRun, type SharedRedis } from './this-run.js';

export type { Server, ServerKind, SharedRedis };

/** The run's main server. It may hold somebody's data when REDIS_URL named it: never flush it, use keys of your own. */
export function sharedRedis(): SharedRedis {
  return thisRun().shared;
}

/** Every Redis and Valkey at hand that tests can start themselves, for `describe.each`. */
export function serverKinds(): readonly ServerKind[] {
  const { kinds } = thisRun();
  return kinds.length > 0 ? kinds : [NONE];
}

/** A server of the test's own: by default of the main server's kind. Whoever starts it stops it. */
export async function startRedis({ kind = serverKinds()[0]!, args = [] }: StartOptions = {}): Promise<Server> {
  if (kind === NONE) throw new Error('REDIS_URL alone is not enough here: this test needs a server that it can start');
  return launch(kind, { args, runDir: thisRun().dir });
}

export interface StartOptions {
  kind?: ServerKind;
  /** More arguments for the server, for example `['--maxmemory', '10mb']`. */
  args?: readonly string[];
}

/** Stands in where only REDIS_URL is at hand: tests that start servers then fail and say why, they do not vanish. */
const NONE: ServerKind = { label: 'no server that can be started', name: 'none', version: '0', how: 'not found' };
