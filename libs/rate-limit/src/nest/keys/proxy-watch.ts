import type { RateLimitRequest } from '../request/request.js';

/** The parts of Express' and Fastify's requests that tell which hops are trusted. */
interface FrameworkRequest extends RateLimitRequest {
  readonly ips?: readonly string[];
  readonly app?: { get?(setting: 'trust proxy'): unknown };
}

/**
 * Looks at the first request that came through a proxy, and warns when the address cannot be the client's: no hop is
 * trusted, so all clients are one; or every hop is, so each client is whoever it says it is.
 */
export function proxyWatch(warn: (message: string) => void): (request: RateLimitRequest) => void {
  let seen = false;
  return (request) => {
    if (seen || request.headers['x-forwarded-for'] === undefined) return;
    seen = true;
    const trust = trustOf(request);
    if (trust === 'none') {
      warn(
        'A request carries X-Forwarded-For, but no proxy is trusted: behind one, all clients share its address and its quota. ' +
          `Set Express' "trust proxy" to the number of proxies in front, or Fastify's trustProxy to their addresses.`,
      );
    } else if (trust === 'all') {
      warn(
        'Every proxy is trusted, so a client can choose its address by sending X-Forwarded-For. ' +
          `Set Express' "trust proxy" to the number of proxies in front instead of true.`,
      );
    }
  };
}

function trustOf(request: FrameworkRequest): 'none' | 'some' | 'all' {
  if (request.app?.get) {
    const setting = request.app.get('trust proxy');
    return setting === true ? 'all' : setting ? 'some' : 'none';
  }
  // Fastify keeps its setting to itself; what it makes of the header tells: the socket's address alone, or more. A
  // number of hops, which it took once, trusts nobody today.
  return (request.ips?.length ?? 0) > 1 ? 'some' : 'none';
}
