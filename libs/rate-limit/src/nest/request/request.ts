/**
 * The parts of a request that rate limits read. Requests of Express and Fastify have them.
 */
export interface RateLimitRequest {
  /** The client's address as the framework understands it: behind proxies, only trusted hops count. */
  readonly ip?: string;
  /** The request's header fields, their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The user that an authentication guard set. Only your application knows its type. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly user?: any;
}

/** A header's text without the space around it; `undefined` if it is absent or empty. A repeated header is joined. */
export function headerOf({ headers }: RateLimitRequest, name: string): string | undefined {
  // `headers.constructor` and the like are inherited, and not headers.
  const value: unknown = headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  return typeof text === 'string' ? TRIMMED.exec(text)?.[1] : undefined;
}

/** HTTP's space is these two: a no-break space is part of a value. Takes linear time, unlike a trailing `[\t ]+$`. */
const TRIMMED = /^[\t ]*([^\t ](?:.*[^\t ])?)/s;
