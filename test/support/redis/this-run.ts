import type { ServerKind } from './launch.mjs';

export interface SharedRedis {
  readonly url: string;
  readonly label: string;
  /** False when REDIS_URL named it. */
  readonly ownedByTests: boolean;
}

/** What the global setup found, handed to the workers in an environment variable. */
export function thisRun(): { shared: SharedRedis; kinds: ServerKind[]; dir: string } {
  const found = process.env.TEST_REDIS_RUN;
  if (!found) throw new Error('no Redis was looked for: run the tests with npm test');
  return JSON.parse(found);
}
