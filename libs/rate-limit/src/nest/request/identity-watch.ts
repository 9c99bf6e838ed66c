import type { KeySettings } from '../keys/key-settings.js';
import type { RateLimitRequest } from './request.js';

type Properties = Record<string, unknown>;

/**
 * Notices whether code reads who the caller is while that is not known yet: `request.user`, and what a configured
 * `keys.user` or `keys.tenant` reads. It watches only properties that are not set, and leaves the request as it was.
 */
export class IdentityWatch {
  /** The property that was read while it was not set. */
  read: string | undefined;
  private readonly originals = new Map<string, PropertyDescriptor | undefined>();

  private constructor(private readonly request: Properties) {}

  /** Watches a request until {@link end}; `undefined` where all is known already. */
  static over(request: RateLimitRequest, keys: KeySettings): IdentityWatch | undefined {
    const properties = request as unknown as Properties;
    let watch: IdentityWatch | undefined;
    for (const name of identityNames(request, keys)) {
      if (!isKnown(properties, name)) (watch ??= new IdentityWatch(properties)).watch(name);
    }
    return watch;
  }

  /** Whether one of the properties was read. */
  get hasRead(): boolean {
    return this.read !== undefined;
  }

  /** Puts the request back as it was: whether it has a `user` at all is looked at by others too. */
  end(): void {
    for (const name of this.originals.keys()) this.restore(name);
  }

  private watch(name: string): void {
    const { request } = this;
    const original = Object.getOwnPropertyDescriptor(request, name);
    const isWatched = Reflect.defineProperty(request, name, {
      configurable: true,
      enumerable: original?.enumerable ?? false,
      get: () => {
        // What the request says by itself is the answer: it may have a getter of its own.
        this.restore(name);
        if (isKnown(request, name)) return request[name];
        // One is enough.
        this.read ??= name;
        this.end();
        return request[name];
      },
      set: (value: unknown) => {
        this.restore(name);
        request[name] = value;
      },
    });
    if (isWatched) this.originals.set(name, original);
  }

  private restore(name: string): void {
    const original = this.originals.get(name);
    if (!this.originals.delete(name)) return;
    if (original) Reflect.defineProperty(this.request, name, original);
    else Reflect.deleteProperty(this.request, name);
  }
}

/** A getter may throw while nobody is known. */
function isKnown(request: Properties, name: string): boolean {
  try {
    return request[name] !== undefined && request[name] !== null;
  } catch {
    return false;
  }
}

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
function identityNames(request: RateLimitRequest, keys: KeySettings): Iterable<string> {
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
 * The request, noting which of its properties are read, also later on.
 *
 * @param isBare as if the client had sent nothing: what it sends must not hide what is read without it
 */
const recorderOf = (request: RateLimitRequest, names: Set<string>, isBare: boolean): RateLimitRequest =>
  new Proxy(request, {
    get(target, name) {
      if (typeof name === 'string' && !TOLD_BY_CLIENT.has(name)) names.add(name);
      return isBare && SENT.has(name as string) ? {} : (Reflect.get(target, name) as unknown);
    },
  });

/** It may expect what is not there yet: then it has read that. */
function ask(read: (request: RateLimitRequest) => unknown, request: RateLimitRequest): void {
  try {
    Promise.resolve(read(request)).catch(() => undefined);
  } catch {
    // See above.
  }
}
