import { ask, whatIs } from '../ask.mjs';

/** The server that REDIS_URL names. A wrong one ends the run: testing against another would surprise. */
export async function serverAtUrl() {
  const url = process.env.REDIS_URL;
  if (!url) return undefined;
  try {
    const { name, version } = await ask(url, whatIs, { within: 5000 });
    return { url, ownedByTests: false, label: `${name} ${version}`, how: 'REDIS_URL' };
  } catch (error) {
    throw new Error(`REDIS_URL=${masked(url)} does not answer: ${error.message}`);
  }
}

/** The user's name stays, what follows it up to the last @ does not. */
const masked = (url) => url.replace(/^([^/]*\/\/[^:@/]*:).*@/, '$1***@');
