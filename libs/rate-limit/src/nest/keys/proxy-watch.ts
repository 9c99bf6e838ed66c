import type { RateLimitRequest } from '../request/request.js';

/** The parts of Express' and Fastify's requests that show which hops are trusted. */
interface FrameworkRequest extends RateLimitRequest {
  readonly ips?: readonly string[];
  readonly app?: { get?(setting: 'trust proxy'): unknown };
}

/**
 * Looks at the first request that came through a proxy, and warns if the address cannot be the client's. If no hop is
 * trusted, all clients share one address. If every hop is trusted, each client can choose its address.
 */
export function proxyWatch(warn: (message: string) => void): (request: RateLimitRequest) => void {
  let seen = false;
  return (request) => {
    if (seen || request.headers['x-forwarded-for'] === undefined) return;
    seen = true;
    const trust = trustOf(request);
    if (trust === 'none') {
      warn(
        'A request carries X-Forwarded-For, but no proxy is trusted. If a proxy is in front, all clients share its address and ' +
          `its quota: set Express' "trust proxy", or Fastify's trustProxy, to the addresses of your proxies. ` +
          'If no proxy is in front, ignore this: any client can send that field.',
      );
    } else if (trust === 'all') {
      warn(
        'Every proxy is trusted, so a client can choose its address by sending X-Forwarded-For. ' +
          `Set Express' "trust proxy", or Fastify's trustProxy, to the addresses of your proxies instead of true.`,
      );
    }
  };
}

function trustOf(request: FrameworkRequest): 'none' | 'some' | 'all' {
  if (request.app?.get) {
    const setting = request.app.get('trust proxy');
    return setting === true ? 'all' : setting ? 'some' : 'none';
  }
  // Fastify does not show its setting, but `ips` has more than the socket's address if a hop is trusted. A number of
  // hops,
  // which older versions accepted, trusts no hop today.
  return (request.ips?.length ?? 0) > 1 ? 'some' : 'none';
}
