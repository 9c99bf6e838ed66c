import { ask, whatIs } from '../ask.mjs';
import { launch } from '../launch.mjs';
import { serversInDocker, serversToPull } from './docker.mjs';
import { serversFetched, serversToFetch } from './fetch.mjs';
import { serversOnPath } from './path.mjs';

/** The most wanted first. */
const WAYS = {
  docker: { atHand: serversInDocker, elsewhere: serversToPull },
  path: { atHand: serversOnPath, elsewhere: () => [] },
  fetch: { atHand: serversFetched, elsewhere: serversToFetch },
};

/**
 * Every kind of server that can be started here, each version once, the most wanted way first. Nothing is pulled or
 * fetched where a server is at hand.
 *
 * TEST_REDIS_FROM=docker|path|fetch uses that way alone (or several: path,fetch), and all that it can give.
 */
export async function findKinds(runDir, say, { from = process.env.TEST_REDIS_FROM, ways = WAYS } = {}) {
  const names = from?.split(',') ?? Object.keys(ways);
  const unknown = names.find((name) => !ways[name]);
  if (unknown !== undefined) throw new Error(`TEST_REDIS_FROM must be docker, path or fetch, got "${unknown}"`);

  const kinds = [];
  const add = async (candidates) => {
    kinds.push(...(await Promise.all(candidates.map((each) => named(each, runDir, say)))).filter(Boolean));
  };
  for (const name of names) await add(await ways[name].atHand(say));
  for (const name of names) {
    if (kinds.length === 0 || from !== undefined) await add(await ways[name].elsewhere(say));
  }
  return kinds.filter((kind, i) => kinds.findIndex(({ label }) => label === kind.label) === i);
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
