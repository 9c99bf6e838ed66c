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
 * What to send. A body of bytes is sent as it is, any other as JSON.
 *
 * @typedef {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} With
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {With} [with_]
 * @returns {Promise<Answer>}
 */
export function ask(method, path, with_ = {}) {
  return answerTo(method, path, with_, (response) => response.text());
}

/**
 * Reads server-sent events while they come. The answer is here when the last one has come.
 *
 * @param {string} method
 * @param {string} path
 * @param {With} with_
 * @param {(data: any) => void} came
 */
export function askForEvents(method, path, with_, came) {
  return answerTo(method, path, with_, async (response) => {
    if (!response.ok || response.body === null) return response.text();
    let text = '';
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let read; (read = await reader.read()).value !== undefined;) {
      const events = (text + decoder.decode(read.value, { stream: true })).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) came(JSON.parse(data));
      }
    }
    return '';
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {With} with_
 * @param {(response: Response) => Promise<string>} read
 * @returns {Promise<Answer>}
 */
async function answerTo(method, path, { body, headers, signal }, read) {
  const isBytes = body instanceof Uint8Array;
  const type = isBytes ? 'application/octet-stream' : 'application/json';
  try {
    const response = await fetch(path, {
      method,
      headers: { 'x-visitor': visitor, ...(body !== undefined && { 'content-type': type }), ...headers },
      body: body === undefined ? undefined : isBytes ? /** @type {BodyInit} */ (body) : JSON.stringify(body),
      cache: 'no-store',
      signal,
    });
    const text = await read(response);
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
