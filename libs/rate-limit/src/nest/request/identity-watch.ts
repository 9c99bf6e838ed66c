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
      if (!isSet(properties[name])) (watch ??= new IdentityWatch(properties)).watch(name);
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
        // One is enough. What the request says by itself is the answer: it may have a getter of its own.
        this.end();
        const value = request[name];
        if (!isSet(value)) this.read ??= name;
        return value;
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

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

/** Sent by the client, so no guard sets them. A caller who leaves one out must not change when a policy is decided. */
const SENT = new Set(['body', 'rawBody', 'query', 'params', 'cookies', 'signedCookies', 'headers']);

const namesOf = new WeakMap<KeySettings, readonly string[]>();

/** Where requests say who the caller is. Found out once, on the first request that needs it. */
function identityNames(request: RateLimitRequest, keys: KeySettings): readonly string[] {
  let names = namesOf.get(keys);
  if (!names) namesOf.set(keys, (names = readBy(keys.ownReaders, request)));
  return names;
}

/** The names that functions read of a request, `user` always among them. */
function readBy(functions: readonly ((request: RateLimitRequest) => unknown)[], request: RateLimitRequest): string[] {
  const names = new Set(['user']);
  const recorder = new Proxy(request, {
    get(target, name) {
      if (typeof name === 'string' && !SENT.has(name)) names.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
  for (const read of functions) {
    // It may expect what is not there yet: then it has read that.
    try {
      Promise.resolve(read(recorder)).catch(() => undefined);
    } catch {
      // See above.
    }
  }
  return [...names];
}
