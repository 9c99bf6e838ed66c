/**
 * A request as rate limits read it. Express' and Fastify's both are one, and so is what other transports show.
 */
export interface RateLimitRequest {
  /** The client's address as the framework understands it: behind proxies only its trusted hops count. */
  readonly ip?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What an authentication guard left here: only your application knows its type. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly user?: any;
}

/** A header's text without the space around it; nothing when it is absent or empty. A repeated one is joined. */
export function headerOf({ headers }: RateLimitRequest, name: string): string | undefined {
  const value = headers[name];
  const text = typeof value === 'string' ? value : value?.join(', ');
  return text?.trim() || undefined;
}
