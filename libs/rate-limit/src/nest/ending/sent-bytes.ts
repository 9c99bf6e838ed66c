import type { ServerResponse } from 'node:http';

type Write = (chunk?: unknown, encoding?: unknown, ...rest: unknown[]) => unknown;

/**
 * Shows `see` all that is written to a response from now on, before anything compresses it. Frameworks, streams and
 * handlers with `@Res()` all write by these two methods of Node's response.
 */
export function seeBytes(response: ServerResponse, see: (chunk: string | Uint8Array) => void): void {
  const methods = response as unknown as Record<'write' | 'end', Write>;
  // One may call the other.
  let isInside = false;
  for (const name of ['write', 'end'] as const) {
    const inner = methods[name];
    methods[name] = function (chunk, encoding, ...rest) {
      if (isInside) return inner.call(response, chunk, encoding, ...rest);
      const bytes = bytesOf(chunk, encoding);
      if (bytes !== undefined) see(bytes);
      isInside = true;
      try {
        return inner.call(response, chunk, encoding, ...rest);
      } finally {
        isInside = false;
      }
    };
  }
}

function bytesOf(chunk: unknown, encoding: unknown): string | Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== 'string') return undefined;
  const isText = typeof encoding !== 'string' || encoding === 'utf8' || encoding === 'utf-8';
  return isText ? chunk : Buffer.from(chunk, encoding as BufferEncoding);
}
