import type { INestApplication } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { sharedRedis } from '../support/redis/servers.js';

const uploads: ClientRequest[] = [];
afterEach(() => uploads.splice(0).forEach((upload) => upload.destroy()));

describe.each([
  ['express', 'memory'],
  ['fastify', 'memory'],
  ['express', 'redis'],
] as const)('what requests of the sample hold, on %s and %s', (HTTP_ADAPTER, store) => {
  let app: INestApplication;
  let url: string;
  let tenant: string;

  beforeAll(async () => {
    const redis = { REDIS_URL: sharedRedis().url, RATE_LIMIT_PREFIX: `sample-${randomUUID()}` };
    app = await createApp(configFrom({ HTTP_ADAPTER, ...(store === 'redis' && redis) }));
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  beforeEach(() => void (tenant = randomUUID()));
  afterAll(() => app.close());

  const chat = (body: unknown, signal?: AbortSignal) =>
    fetch(`${url}/api/chat`, {
      method: 'POST',
      headers: { 'x-tenant-id': tenant, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });

  /** What the page asks. */
  async function look() {
    const answer = await fetch(`${url}/demo/holds`, { headers: { 'x-visitor': tenant } });
    type Held = { remaining: number; holds: { cost: number }[] };
    const { tokens, uploads } = (await answer.json()) as { tokens: Held; uploads: Held };
    return {
      left: tokens.remaining,
      reserved: tokens.holds.map(({ cost }) => cost),
      freeSlots: uploads.remaining,
      takenSlots: uploads.holds.length,
    };
  }

  /** What was held, once it is settled. */
  async function settled() {
    for (;;) {
      const seen = await look();
      if (seen.reserved.length === 0 && seen.takenSlots === 0) return seen;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('charges a chat what it can use at most, and then what it used', async () => {
    const answer = await chat({ prompt: 'word '.repeat(300), max_tokens: 400 });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(answer.headers.get('ratelimit')).toMatch(/^"tokens";r=300;t=/);
    expect(await look()).toMatchObject({ reserved: [700] });
    const events = (await answer.text()).match(/(?<=^data: ).*$/gm)!.map((text) => JSON.parse(text) as Chunk);
    const { usage } = events.at(-1)!;
    expect(usage).toMatchObject({ prompt_tokens: 300, completion_tokens: events.length - 2 });
    // 17 tokens a second flow back meanwhile.
    const { left } = await settled();
    expect(left).toBeGreaterThanOrEqual(1_000 - usage!.total_tokens);
    expect(left).toBeLessThan(800);
  });

  it('keeps what a chat reserved when its client disconnects in the middle', async () => {
    const client = new AbortController();
    const answer = await chat({ prompt: 'Hi', max_tokens: 899 }, client.signal);
    await answer.body!.getReader().read();
    client.abort();
    const { left } = await settled();
    expect(left).toBeGreaterThanOrEqual(100);
    expect(left).toBeLessThan(300);
  });

  it.each([
    ['no prompt', { max_tokens: 5 }, 'a \\"prompt\\", a text'],
    ['an empty prompt', { prompt: ' ', max_tokens: 5 }, 'a \\"prompt\\", a text'],
    ['half a token', { prompt: 'Hi', max_tokens: 0.5 }, '\\"max_tokens\\", a whole number'],
  ])('refuses a chat with %s, and charges nothing', async (_what, body, named) => {
    const refused = await chat(body);
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(named)]);
    expect(await look()).toMatchObject({ left: 1_000, reserved: [] });
  });

  /** An upload that has begun: its body ends with `finish`. */
  function upload() {
    const options = { method: 'POST', headers: { 'x-tenant-id': tenant, 'content-type': 'application/octet-stream' } };
    const begun = request(`${url}/api/upload`, options);
    uploads.push(begun);
    begun.on('error', () => undefined);
    begun.write('some ');
    const answered = new Promise<IncomingMessage>((resolve) => begun.once('response', resolve));
    return { answered, finish: () => begun.end('bytes'), cancel: () => begun.destroy() };
  }

  async function untilTaken(slots: number) {
    while ((await look()).takenSlots !== slots) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it('stores two uploads at a time, and has a slot again when one is answered or its client has gone', async () => {
    const [first, second] = [upload(), upload()];
    await untilTaken(2);
    expect(await look()).toMatchObject({ freeSlots: 0 });
    const { statusCode, headers } = await upload().answered;
    expect([statusCode, headers['retry-after'], headers['ratelimit-policy'], headers.ratelimit]).toEqual([
      429,
      '1',
      '"uploads";q=2;qu="concurrent-requests"',
      '"uploads";r=0',
    ]);

    first.finish();
    expect((await first.answered).statusCode).toBe(200);
    await untilTaken(1);
    const third = upload();
    await untilTaken(2);
    second.cancel();
    await untilTaken(1);
    third.finish();
    expect((await third.answered).statusCode).toBe(200);
    expect(await settled()).toMatchObject({ freeSlots: 2 });
  });

  it('takes no upload that is too large or no file, and frees its slot', async () => {
    const send = (body: string | Uint8Array<ArrayBuffer>, type: string) =>
      fetch(`${url}/api/upload`, { method: 'POST', headers: { 'x-tenant-id': tenant, 'content-type': type }, body });
    expect((await send(new Uint8Array(1_000_001), 'application/octet-stream')).status).toBe(413);
    expect((await send('{}', 'application/json')).status).toBe(415);
    expect(await settled()).toMatchObject({ freeSlots: 2 });
  });

  it('shows what is held to a visitor who says who they are', async () => {
    expect((await fetch(`${url}/demo/holds`)).status).toBe(400);
  });
});

interface Chunk {
  readonly usage: { readonly total_tokens: number } | null;
}
