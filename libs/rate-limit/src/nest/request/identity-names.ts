import type { KeySettings } from '../keys/key-settings.js';
import type { RateLimitRequest } from './request.js';

/**
 * Sent by the client, or found out from that, so no guard sets them. A caller who leaves one out must not change when a
 * policy is decided.
 */
const SENT = new Set(['body', 'rawBody', 'query', 'params', 'cookies', 'signedCookies', 'headers']);
const TOLD_BY_CLIENT = new Set([...SENT, 'host', 'hostname', 'subdomains', 'ip', 'ips']);

/** What is known of the readers of an application. */
interface Learnt {
  readonly names: Set<string>;
  attempts: number;
}

const learntOf = new WeakMap<KeySettings, Learnt>();

/**
 * Where requests say who the caller is. A reader may read one thing or another, as the request is, so it is asked again
 * with the second request that needs it, the fourth, the eighth and so on: no caller settles it for good.
 */
export function identityNames(request: RateLimitRequest, keys: KeySettings): Iterable<string> {
  let learnt = learntOf.get(keys);
  if (!learnt) learntOf.set(keys, (learnt = { names: new Set(['user']), attempts: 0 }));
  const { ownReaders } = keys;
  if (ownReaders.length > 0 && isPowerOfTwo(++learnt.attempts)) {
    const recorders = [recorderOf(request, learnt.names, false), recorderOf(request, learnt.names, true)];
    for (const read of ownReaders) for (const recorder of recorders) ask(read, recorder);
  }
  return learnt.names;
}

const isPowerOfTwo = (n: number): boolean => Number.isInteger(Math.log2(n));

/**
 * The request, noting which of its properties are read, also later on. What is written to it is lost: a reader that keeps
 * what it found on the request must not keep what was found here.
 *
 * @param isBare as if the client had sent nothing: what it sends must not hide what is read without it
 */
const recorderOf = (request: RateLimitRequest, names: Set<string>, isBare: boolean): RateLimitRequest =>
  new Proxy(request, {
    get(target, name) {
      if (typeof name === 'string' && !TOLD_BY_CLIENT.has(name)) names.add(name);
      return isBare && SENT.has(name as string) ? {} : (Reflect.get(target, name) as unknown);
    },
    set: () => true,
    defineProperty: () => true,
    deleteProperty: () => true,
  });

/** It may expect what is not there yet: then it has read that. */
function ask(read: (request: RateLimitRequest) => unknown, request: RateLimitRequest): void {
  try {
    Promise.resolve(read(request)).catch(() => undefined);
  } catch {
    // See above.
  }
}
