/**
 * An answer, as it came over the wire. Status 0: none came.
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {(name: string) => string | null} field
 * @property {any} body
 */

/** Whose quotas these are: this tab's, until it is loaded anew, and nobody else's. */
export const visitor = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('');

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string> }} [with_]
 * @returns {Promise<Answer>}
 */
export async function ask(method, path, { body, headers } = {}) {
  try {
    const response = await fetch(path, {
      method,
      headers: { 'x-visitor': visitor, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      field: (name) => response.headers.get(name),
      body: isJson && text !== '' ? JSON.parse(text) : text,
    };
  } catch {
    return { status: 0, field: () => null, body: { message: 'The application gave no answer.' } };
  }
}

/**
 * What the `RateLimit` field tells of each policy: how much is left, and in how many seconds more comes back.
 *
 * @param {Answer} answer
 * @returns {Map<string, { left: number, seconds: number }>}
 */
export function limitsIn(answer) {
  const items = (answer.field('ratelimit') ?? '').matchAll(/"([^"]+)";r=(\d+)(?:;t=(\d+))?/g);
  return new Map(
    Array.from(items, ([, name, left, seconds]) => [name ?? '', { left: Number(left), seconds: Number(seconds ?? 0) }]),
  );
}
