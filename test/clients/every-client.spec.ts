import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import bareAxios, { isAxiosError, isCancel } from 'axios';
import { HTTPError as GotHTTPError } from 'got';
import { HTTPError as KyHTTPError } from 'ky';
import { patientAxios } from '../../docs/clients/axios.js';
import { patientFetch } from '../../docs/clients/fetch.js';
import { patientGot } from '../../docs/clients/got.js';
import { patientKy } from '../../docs/clients/ky.js';
import { closeApps } from '../support/app.js';
import { limitedApi } from './limited-api.js';

type Streamed = Readable | ReadableStream | AsyncIterable<Uint8Array>;

interface Sent {
  json?: object;
  body?: Streamed;
  signal?: AbortSignal;
}

/** Sends, and says with what status it ended. */
type Send = (url: string, sent?: Sent) => Promise<number>;
interface Patience {
  tries?: number;
  maxWait?: number;
}

const method = ({ json, body }: Sent): 'GET' | 'POST' => (json || body ? 'POST' : 'GET');
const headers = { 'content-type': 'application/json' };

const clients: Record<string, (patience?: Patience) => Send> = {
  fetch(patience) {
    const send = patientFetch(patience);
    return async (url, sent = {}) => {
      const { json, signal, body = json && JSON.stringify(json) } = sent;
      const init = { method: method(sent), signal, headers, body, duplex: 'half' as const };
      return (await send(url, init)).status;
    };
  },
  ky(patience) {
    const ky = patientKy(patience);
    return (url, sent = {}) =>
      ky(url, { method: method(sent), headers, ...(sent as object) }).then(
        ({ status }) => status,
        (error: unknown) => statusOf(error instanceof KyHTTPError ? error.response.status : undefined, error),
      );
  },
  got(patience) {
    const got = patientGot(patience);
    return (url, sent = {}) =>
      got(url, { method: method(sent), headers, ...(sent as object) }).then(
        ({ statusCode }) => statusCode,
        (error: unknown) => statusOf(error instanceof GotHTTPError ? error.response.statusCode : undefined, error),
      );
  },
  axios(patience) {
    const axios = patientAxios(patience);
    return (url, sent = {}) =>
      axios.request({ url, method: method(sent), headers, data: sent.json ?? sent.body, signal: sent.signal }).then(
        ({ status }) => status,
        (error: unknown) => statusOf(isAxiosError(error) && !isCancel(error) ? error.status : undefined, error),
      );
  },
};

function statusOf(status: number | undefined, error: unknown): number {
  if (status === undefined) throw error;
  return status;
}

afterEach(() => {
  jest.restoreAllMocks();
  return closeApps();
});

describe.each(Object.keys(clients))('the client with %s', (name) => {
  const client = clients[name]!;

  it('brings every request through, with no more than one denial for each wait', async () => {
    const { url, arrived, denials } = await limitedApi();
    const send = client();
    for (let n = 1; n <= 5; n++) expect(await send(`${url}/notes`, { json: { n } })).toBe(201);
    expect(arrived).toEqual([1, 2, 3, 4, 5].map((n) => ({ n })));
    expect(denials()).toBeLessThanOrEqual(2);
  });

  it('waits for a date too', async () => {
    const { url, statuses } = await limitedApi();
    expect(await client()(`${url}/dated`)).toBe(200);
    expect(statuses).toEqual([429, 200]);
  });

  it('gives up at once a request that can never pass', async () => {
    const { url, statuses } = await limitedApi();
    expect(await client()(`${url}/never`)).toBe(429);
    expect(statuses).toEqual([429]);
  });

  it('tries again at once after a date that is past', async () => {
    const { url, statuses } = await limitedApi();
    expect(await client({ tries: 2 })(`${url}/odd?after=Sun, 06 Nov 1994 08:49:37 GMT`)).toBe(429);
    expect(statuses).toEqual([429, 429]);
  });

  // The last is no wait that a timer can be set for, whatever the patience.
  it.each(['1.5', '-1', 'abc 5', '1, 1', 'soon', '2026-11-21', '2147484'])(
    'gives up at once when it is told to wait %s',
    async (after) => {
      const { url, statuses } = await limitedApi();
      expect(await client({ maxWait: Infinity })(`${url}/odd?after=${after}`)).toBe(429);
      expect(statuses).toEqual([429]);
    },
  );

  it('waits no longer than it has patience, whatever chance says', async () => {
    const { url, statuses } = await limitedApi();
    jest.spyOn(Math, 'random').mockReturnValue(1e6); // a tenth of that more would be a day
    expect(await client({ maxWait: 1_000, tries: 2 })(`${url}/odd?after=1`)).toBe(429);
    expect(statuses).toEqual([429, 429]);
  });

  it('gives up at once when the wait is longer than it has patience', async () => {
    const { url, statuses } = await limitedApi();
    const send = client();
    expect([await send(`${url}/rare/a`), await send(`${url}/rare/a`)]).toEqual([200, 429]);
    expect(statuses).toEqual([200, 429]);
  });

  it('sends a request no more often than it may', async () => {
    const { url, statuses } = await limitedApi();
    for (let n = 1; n <= 2; n++) await client()(`${url}/notes`, { json: { n } });
    expect(await client({ tries: 1 })(`${url}/notes`, { json: { n: 3 } })).toBe(429);
    expect(statuses).toEqual([201, 201, 429]);
  });

  it('stops waiting when its signal is aborted', async () => {
    const { url, asked, statuses } = await limitedApi();
    await client()(`${url}/rare/a`);
    // Another client spent it: this one learns so by a denial.
    const controller = new AbortController();
    const waiting = client({ maxWait: 7_200_000 })(`${url}/rare/a`, { signal: controller.signal });
    while (statuses.length < 2) await turn();
    const others = async () => {
      for (let n = 0; n < 5; n++) await fetch(`${url}/foreign?field=x`);
    };
    await others(); // by then the denial has long arrived too
    controller.abort();
    await expect(waiting).rejects.toThrow(name === 'axios' ? /^canceled$/ : /abort/i);
    await others(); // by then one more request would have
    expect(asked.filter((path) => path === '/rare/a')).toHaveLength(2);
  });

  const streams: Record<string, () => Streamed> = {
    'a stream': () => Readable.from([Buffer.from('{"n":3}')]),
    'an iterator': async function* () {
      yield await Promise.resolve(Buffer.from('{"n":3}'));
    },
    'a stream of the web': () => new Blob(['{"n":3}']).stream(),
  };
  const sendable = Object.keys(streams).slice(0, { axios: 1, got: 2 }[name]);

  it.each(sendable)('sends the body whole or not again when it is %s', async (kind) => {
    const { url, arrived, statuses } = await limitedApi();
    const send = client();
    for (let n = 1; n <= 2; n++) await client()(`${url}/notes`, { json: { n } });
    const isKept = name === 'ky'; // by the clone of the request that it keeps
    expect(await send(`${url}/notes`, { body: streams[kind]!() })).toBe(isKept ? 201 : 429);
    expect(statuses).toEqual(isKept ? [201, 201, 429, 201] : [201, 201, 429]);
    expect(arrived).toEqual((isKept ? [1, 2, 3] : [1, 2]).map((n) => ({ n })));
  });
});

describe('the client with axios', () => {
  it('has one connection to wait with, whatever the type of the response', async () => {
    const { url, statuses } = await limitedApi();
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { status, data } = await patientAxios().get<Readable>(`${url}/dated`, { httpAgent, responseType: 'stream' });
    data.resume();
    httpAgent.destroy();
    expect(status).toBe(200);
    expect(statuses).toEqual([429, 200]);
  });

  it('sends nothing more when its token is cancelled in the wait', async () => {
    const { url, asked, statuses } = await limitedApi();
    const { token, cancel } = bareAxios.CancelToken.source();
    const waiting = patientAxios().get(`${url}/dated`, { cancelToken: token });
    while (statuses.length < 1) await turn();
    for (let n = 0; n < 5; n++) await fetch(`${url}/foreign?field=x`);
    cancel('enough');
    await expect(waiting).rejects.toThrow('enough');
    await fetch(`${url}/foreign?field=x`);
    expect(asked.filter((path) => path === '/dated')).toHaveLength(1);
  });
});
