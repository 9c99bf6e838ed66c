import { existsSync } from 'node:fs';
import { serversFetched } from './fetch.mjs';
import { serversOnPath } from './path.mjs';

/** Where a run will take its servers from, in words, as far as can be said before packages are installed. */
export function outlook() {
  if (process.env.REDIS_URL) return 'the one at REDIS_URL; others for the tests that stop servers';
  const from = process.env.TEST_REDIS_FROM;
  if (from) return `from TEST_REDIS_FROM=${from}`;
  const [installed] = serversOnPath(() => {});
  const without = installed?.command[0] ?? (serversFetched().length > 0 ? 'packages fetched earlier' : undefined);
  const docker = process.env.DOCKER_HOST || existsSync('/var/run/docker.sock') ? 'Docker if it answers, else ' : '';
  return docker + (without ?? `Debian's packages, fetched into node_modules/.cache (half a minute)`);
}
