/**
 * A request as rate limits read it. Express' and Fastify's both are one, and so is what other transports show.
 */
export interface RateLimitRequest {
  /** The client's address as the framework understands it: behind proxies only its trusted hops count. */
  readonly ip?: string;
  /** The request's header fields, their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What an authentication guard left here: only your application knows its type. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly user?: any;
}

/** A header's text without the space around it; nothing when it is absent or empty. A repeated one is joined. */
export function headerOf({ headers }: RateLimitRequest, name: string): string | undefined {
  // What every object inherits, `constructor`, is no header.
  const value: unknown = headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  return typeof text === 'string' ? TRIMMED.exec(text)?.[1] : undefined;
}

/** HTTP's space is these two: a no-break space is part of a value. Takes linear time, unlike a trailing `[\t ]+$`. */
const TRIMMED = /^[\t ]*([^\t ](?:.*[^\t ])?)/s;
