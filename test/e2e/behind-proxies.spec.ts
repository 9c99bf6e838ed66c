import { jest } from '@jest/globals';
import { Controller, Get, Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';
import { soonAfter } from '../support/soon-after.js';

@Controller()
class PingController {
  @Get('ping')
  @RateLimit({ name: 'ping', limit: 10, window: '10s' })
  ping() {}
}

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

type Trust = number | boolean | string | string[] | ((address: string, hop: number) => boolean);

/** Asks with what a proxy on 127.0.0.1 would hand over, and says how much is left: 9 of a client that is new. */
async function start(adapter: Adapter, trust: Trust) {
  const { get } = await boot(
    // A number is no longer in Fastify's types, though it is taken.
    adapter === 'fastify' ? new FastifyAdapter({ trustProxy: trust as string }) : adapter,
    {},
    {
      controllers: [PingController],
      prepare: (app) => {
        if (adapter === 'express') (app as NestExpressApplication).set('trust proxy', trust);
      },
    },
  );
  return async (...chain: string[]): Promise<number> => {
    const { headers } = await get('/ping', chain.length > 0 ? { 'x-forwarded-for': chain.join(', ') } : {});
    return Number(/;r=(\d+)/.exec(headers.get('ratelimit')!)![1]);
  };
}

const [client, other, forged, inner] = ['203.0.113.1', '203.0.113.2', '198.51.100.9', '10.0.0.9'];

const byHops = (proxies: number) => (_address: string, hop: number) => hop < proxies;

const oneProxy: [Adapter, Trust][] = [
  ['express', 1],
  ['express', 'loopback'],
  ['express', '127.0.0.1'],
  ['express', '127.0.0.0/8'],
  ['express', byHops(1)],
  ['fastify', 'loopback'],
  ['fastify', '127.0.0.1'],
  ['fastify', '127.0.0.0/8'],
  ['fastify', byHops(1)],
];

const twoProxies: [Adapter, Trust][] = [
  ['express', 2],
  ['express', 'loopback, 10.0.0.0/8'],
  ['express', ['loopback', '10.0.0.0/8']],
  ['fastify', 'loopback, 10.0.0.0/8'],
  ['fastify', ['loopback', '10.0.0.0/8']],
  ['fastify', byHops(2)],
];

describe.each(oneProxy)('behind one proxy, on %s that trusts %s', (adapter, trust) => {
  it('a forged X-Forwarded-For does not change who pays, and clients are told apart', async () => {
    const left = await start(adapter, trust);
    expect(await left(client)).toBe(9);
    expect(await left(forged, client)).toBe(8);
    expect(await left('127.0.0.1', client)).toBe(7);
    expect(await left('not an address', client)).toBe(6);
    expect(await left(other)).toBe(9);
  });

  it('the port that a load balancer may add makes no other client', async () => {
    const left = await start(adapter, trust);
    expect(await left(client)).toBe(9);
    expect(await left(forged, `${client}:4711`)).toBe(8);
  });
});

describe.each(twoProxies)('behind two proxies, on %s that trusts %j', (adapter, trust) => {
  it('a forged X-Forwarded-For does not change who pays, and clients are told apart', async () => {
    const left = await start(adapter, trust);
    expect(await left(client, inner)).toBe(9);
    expect(await left(forged, client, inner)).toBe(8);
    expect(await left(inner, client, inner)).toBe(7);
    expect(await left(other, inner)).toBe(9);
  });
});

describe('what goes wrong', () => {
  it.each<[Adapter, Trust]>([
    ['express', 1],
    ['express', 'loopback'],
    ['fastify', 'loopback'],
  ])('on %s that trusts %s, one proxy too few, all clients are the inner proxy', async (adapter, trust) => {
    const left = await start(adapter, trust);
    expect(await left(client, inner)).toBe(9);
    expect(await left(other, inner)).toBe(8);
  });

  it.each(adapters)('on %s that trusts everybody, a client picks its address', async (adapter) => {
    const left = await start(adapter, true);
    expect(await left(client)).toBe(9);
    expect(await left(forged, client)).toBe(9);
  });

  it('on Express that trusts one hop too many, a client picks its address', async () => {
    const left = await start('express', 2);
    expect(await left(client)).toBe(9);
    expect(await left(forged, client)).toBe(9);
  });

  it('on Express that counts hops, a client that gets past the proxy picks its address', async () => {
    const left = await start('express', 1);
    expect(await left()).toBe(9);
    expect(await left(forged)).toBe(9);
  });

  it.each(adapters)('on %s that names its proxies, nobody else is believed', async (adapter) => {
    const left = await start(adapter, '10.0.0.0/8');
    expect(await left()).toBe(9);
    expect(await left(forged)).toBe(8);
  });

  it.each(adapters)('on %s that names a network with clients in it, those pick their address', async (adapter) => {
    const left = await start(adapter, ['loopback', '10.0.0.0/8']);
    expect(await left(inner)).toBe(9);
    expect(await left(forged, inner)).toBe(9);
  });

  it('on Fastify a number of hops trusts nobody', async () => {
    const left = await start('fastify', 1);
    expect(await left(client)).toBe(9);
    expect(await left(other)).toBe(8);
  });

  it('Fastify that trusts everybody is not warned of: it does not tell', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const left = await start('fastify', true);
    await left(client);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each(adapters)('the field Forwarded is not read on %s', async (adapter) => {
    const { get } = await boot(adapter, {}, { controllers: [PingController] });
    const left = async (from: string) => (await get('/ping', { forwarded: `for=${from}` })).headers.get('ratelimit');
    expect([await left(client), await left(other)]).toEqual([
      soonAfter('"ping";r=9;t=10'),
      soonAfter('"ping";r=8;t=10'),
    ]);
  });
});
