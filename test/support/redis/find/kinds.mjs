import { ask, whatIs } from '../ask.mjs';
import { launch } from '../launch.mjs';
import { serversInDocker } from './docker.mjs';
import { serversToFetch } from './fetch.mjs';
import { serversOnPath } from './path.mjs';

const WAYS = { docker: serversInDocker, path: serversOnPath, fetch: serversToFetch };

/**
 * Every kind of server that can be started here, each version once, the most wanted way first.
 *
 * TEST_REDIS_FROM=docker|path|fetch uses that way alone (or several: path,fetch).
 */
export async function findKinds(runDir, say) {
  const names = process.env.TEST_REDIS_FROM?.split(',') ?? Object.keys(WAYS);
  const unknown = names.find((name) => !WAYS[name]);
  if (unknown !== undefined) throw new Error(`TEST_REDIS_FROM must be docker, path or fetch, got "${unknown}"`);

  const kinds = [];
  for (const name of names) {
    const candidates = await WAYS[name](say);
    kinds.push(...(await Promise.all(candidates.map((each) => named(each, runDir, say)))));
  }
  return kinds.filter((kind, i) => kind && kinds.findIndex((other) => other?.label === kind.label) === i);
}

/** The candidate with the name and version that its server tells; undefined, and said why, when it does not start. */
export async function named(candidate, runDir, say) {
  try {
    const server = await launch(candidate, { runDir });
    const { name, version } = await ask(server.url, whatIs).finally(() => server.stop());
    const label = `${name} ${version}`;
    if (!isNewEnough(version)) {
      say(`${label} (${candidate.how}): not used, the oldest supported is 6.2`);
      return undefined;
    }
    return { label, name, version, ...candidate };
  } catch (error) {
    // The first line says what failed, the last is the server's own last word.
    const lines = error.message.trim().split('\n');
    say(
      `${candidate.image ?? candidate.command.at(-1)}: not at hand (${[...new Set([lines[0], lines.at(-1)])].join(': ')})`,
    );
    return undefined;
  }
}

const isNewEnough = (version) => {
  const [major, minor] = version.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 2);
};
