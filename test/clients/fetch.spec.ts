import { MemoryStore } from 'nestjs-redis-rate-limit';
import { patientFetch } from '../../docs/clients/fetch.js';
import { closeApps } from '../support/app.js';
import { limitedApi } from './limited-api.js';

afterEach(closeApps);

/** The server and the client live by one clock, and only waiting moves it. */
async function start(patience: { tries?: number; maxWait?: number } = {}) {
  let time = 1_000_000;
  const now = () => time;
  const waits: number[] = [];
  const sleep = async (span: number) => {
    waits.push(span);
    time += Math.ceil(span);
  };
  const api = await limitedApi({ store: new MemoryStore({ now }) });
  const client = () => patientFetch({ now, sleep, ...patience });
  return { ...api, waits, client, send: client() };
}

const post = { method: 'POST' };

describe('the client with fetch, on a clock of its own', () => {
  it('waits when nothing is left, so that it is never denied', async () => {
    const { url, send, waits, statuses } = await start();
    for (let n = 0; n < 5; n++) await send(`${url}/notes`, post);
    expect(statuses).toEqual([201, 201, 201, 201, 201]);
    expect(waits).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('waits as long as it is told, and at most a tenth longer', async () => {
    const { url, client, waits } = await start({ maxWait: 7_200_000 });
    await client()(`${url}/rare/a`);
    expect((await client()(`${url}/rare/a`)).status).toBe(200);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeGreaterThanOrEqual(3_600_000);
    expect(waits[0]).toBeLessThanOrEqual(3_960_000);
  });

  it('sets no timer for a month, which Node.js would cut to a millisecond', async () => {
    const { url, client, waits } = await start({ maxWait: Infinity });
    const send = client();
    const spent = `${url}/foreign?field=${encodeURIComponent('"monthly";r=0;t=2678400')}`;
    for (let n = 0; n < 2; n++) expect((await send(spent)).status).toBe(200);
    expect(waits).toEqual([]);
  });

  it('waits no longer than it has patience, whatever chance says', async () => {
    const { url, client, waits } = await start({ maxWait: 3_600_000 });
    await client()(`${url}/rare/a`);
    expect((await client()(`${url}/rare/a`)).status).toBe(200);
    expect(waits).toEqual([3_600_000]);
  });

  it('waits where it was told to, and not elsewhere', async () => {
    const { url, send, waits } = await start({ maxWait: 7_200_000 });
    await send(`${url}/rare/a`);
    await send(`${url}/rare/b`);
    expect(waits).toEqual([]);
    await send(`${url}/rare/a?again`);
    expect(waits).toHaveLength(1);
  });

  it('waits no longer in all than it has patience', async () => {
    const { url, client, statuses } = await start();
    await client()(`${url}/rare/a`);
    const waits: number[] = [];
    // As if another client had been there each time that this one wakes: no time passes for the server.
    const unlucky = patientFetch({ maxWait: 5_400_000, sleep: async (span) => void waits.push(span) });
    expect((await unlucky(`${url}/rare/a`)).status).toBe(429);
    expect(waits).toHaveLength(1);
    expect(statuses).toEqual([200, 429, 429]);
  });

  it.each(['', 'r=0', '"a";r=0', '"a";r=0;t=x', '"a";r=0;t=9, 1.5.2', '10'])(
    'neither waits nor stumbles when another API says RateLimit: %s',
    async (field) => {
      const { url, send, waits } = await start();
      for (let n = 0; n < 2; n++) {
        expect((await send(`${url}/foreign?field=${encodeURIComponent(field)}`)).status).toBe(200);
      }
      expect(waits).toEqual([]);
    },
  );
});
