import type { KeySettings } from '../keys/key-settings.js';
import type { RateLimitRequest } from './request.js';

type Properties = Record<string, unknown>;

/**
 * Notices whether code reads the caller's identity before a guard has set it: `request.user`, and the properties that
 * the application's `keys.user` and `keys.tenant` read. It watches only properties that are not set, and restores the
 * request.
 */
export class IdentityWatch {
  /** The property that was read while it was not set. */
  read: string | undefined;
  private readonly originals = new Map<string, PropertyDescriptor | undefined>();

  private constructor(private readonly request: Properties) {}

  /** Watches a request until {@link end}; `undefined` if all properties are set already. */
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

  /** Restores the request, because other code may check whether it has a `user` property. */
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
        // One read is enough. The request itself may have a getter, so its value is read again.
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

/**
 * Properties that the client sends. They are not watched: a caller must not be able to move a policy by leaving one
 * out.
 */
const SENT = new Set(['body', 'rawBody', 'query', 'params', 'cookies', 'signedCookies', 'headers']);

const namesOf = new WeakMap<KeySettings, readonly string[]>();

/** The properties that identify the caller. Found on the first request that needs them. */
function identityNames(request: RateLimitRequest, keys: KeySettings): readonly string[] {
  let names = namesOf.get(keys);
  if (!names) namesOf.set(keys, (names = readBy(keys.ownReaders, request)));
  return names;
}

/** The names of the properties that functions read from a request, and `user`. */
function readBy(functions: readonly ((request: RateLimitRequest) => unknown)[], request: RateLimitRequest): string[] {
  const names = new Set(['user']);
  const recorder = new Proxy(request, {
    get(target, name) {
      if (typeof name === 'string' && !SENT.has(name)) names.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
  for (const read of functions) {
    // It may throw because a property is missing. The recorder has noted that property by then.
    try {
      Promise.resolve(read(recorder)).catch(() => undefined);
    } catch {
      // See above.
    }
  }
  return [...names];
}
