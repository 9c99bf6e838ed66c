import { jest } from '@jest/globals';
import { Controller, Get, Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  byApiKey,
  byHeader,
  byIp,
  byTenant,
  byUser,
  RateLimit,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { Redis } from 'ioredis';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';
import { startRedis } from '../support/redis/servers.js';

@Controller()
class IdentityController {
  @Get('ip')
  @RateLimit({ name: 'ip', limit: 1, window: '1h', key: byIp })
  ip() {}

  @Get('key')
  @RateLimit({ name: 'key', limit: 1, window: '1h', key: byApiKey })
  key() {}

  @Get('header')
  @RateLimit({ name: 'header', limit: 1, window: '1h', key: byHeader('X-Region') })
  header() {}

  @Get('user')
  @RateLimit({ name: 'user', limit: 1, window: '1h', key: byUser })
  user() {}

  @Get('tenant')
  @RateLimit({ name: 'tenant', limit: 1, window: '1h', key: byTenant })
  tenant() {}
}

const controllers = [IdentityController];

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

/** How many hops the framework trusts. */
interface Trusting {
  adapter: Adapter;
  hops?: number | boolean;
  user?: unknown;
  ip?: string;
}

async function start({ adapter, hops, user, ip }: Trusting, options: RateLimitModuleOptions = {}) {
  const { get, nest } = await boot(
    adapter === 'fastify' && hops !== undefined
      ? new FastifyAdapter({ trustProxy: hops === 1 ? '127.0.0.1' : hops === 0 ? '192.0.2.1' : true })
      : adapter,
    options,
    {
      controllers,
      prepare: (app) => {
        if (adapter === 'express' && hops !== undefined) (app as NestExpressApplication).set('trust proxy', hops);
        // What an authentication middleware leaves on the request, and an address of any notation.
        const leave = (request: object) => {
          if (user !== undefined) Object.assign(request, { user });
          if (ip !== undefined) Object.defineProperty(request, 'ip', { value: ip === 'none' ? undefined : ip });
        };
        if (adapter === 'express')
          app.use((request: object, _response: unknown, next: () => void) => (leave(request), next()));
        else
          app
            .getHttpAdapter()
            .getInstance()
            .addHook('onRequest', async (request: object) => leave(request));
      },
    },
  );
  return {
    nest,
    status: async (path: string, headers: Record<string, string> = {}) => (await get(path, headers)).status,
  };
}

const forwarded = (chain: string) => ({ 'x-forwarded-for': chain });

describe.each(adapters)('who pays, on %s', (adapter) => {
  it('X-Forwarded-For is nothing to an application that trusts no hop', async () => {
    const { status } = await start({ adapter });
    expect(await status('/ip', forwarded('203.0.113.1'))).toBe(200);
    expect(await status('/ip', forwarded('203.0.113.2'))).toBe(429);
  });

  it('with one trusted hop the last address counts, and what a client adds before it does not', async () => {
    const { status } = await start({ adapter, hops: 1 });
    expect(await status('/ip', forwarded('203.0.113.1'))).toBe(200);
    expect(await status('/ip', forwarded('198.51.100.9, 203.0.113.1'))).toBe(429);
    expect(await status('/ip', forwarded('203.0.113.2'))).toBe(200);
  });

  it('IPv4 in any notation is one client, and IPv6 clients of one line are one', async () => {
    const { status } = await start({ adapter, hops: 1 });
    expect(await status('/ip', forwarded('203.0.113.5'))).toBe(200);
    expect(await status('/ip', forwarded('::ffff:203.0.113.5'))).toBe(429);
    expect(await status('/ip', forwarded('::ffff:203.0.113.6'))).toBe(200);
    expect(await status('/ip', forwarded('2001:db8:1:2::1'))).toBe(200);
    expect(await status('/ip', forwarded('2001:db8:1:2:ffff::9'))).toBe(429);
    expect(await status('/ip', forwarded('2001:db8:1:3::1'))).toBe(200);
  });

  it('requests without an address share a quota, or are refused', async () => {
    const sharing = await start({ adapter, ip: 'none' });
    expect([await sharing.status('/ip'), await sharing.status('/ip')]).toEqual([200, 429]);
    const refusing = await start({ adapter, ip: 'none' }, { keys: { withoutAddress: 'refuse' } });
    expect(await refusing.status('/ip')).toBe(403);
  });

  it.each([
    ['/key', 'x-api-key'],
    ['/header', 'x-region'],
    ['/tenant', 'x-org'],
  ])('%s is by %s, and by the address when it is left out or empty', async (path, name) => {
    const { status } = await start({ adapter }, { keys: { tenantHeader: 'X-Org' } });
    expect(await status(path, { [name]: 'a' })).toBe(200);
    expect(await status(path, { [name]: ' a ' })).toBe(429);
    expect(await status(path, { [name]: 'b' })).toBe(200);
    expect(await status(path)).toBe(200);
    expect(await status(path, { [name]: '' })).toBe(429);
  });

  it('the options say who the user and the tenant are, and where API keys are', async () => {
    const keys = {
      user: ({ user }: { user?: unknown }) => (user as { account: string }).account,
      tenant: ({ headers }: { headers: object }) => (headers as Record<string, string>)['x-org'],
      apiKeyHeader: 'X-Token',
    };
    const { status } = await start({ adapter, user: { account: 'acme' } }, { keys });
    expect([await status('/user'), await status('/user')]).toEqual([200, 429]);
    expect([await status('/tenant', { 'x-org': 'a' }), await status('/tenant', { 'x-org': 'b' })]).toEqual([200, 200]);
    expect([await status('/key', { 'x-token': 'a' }), await status('/key', { 'x-token': 'b' })]).toEqual([200, 200]);
  });

  it('no header names a tenant unless the options say which', async () => {
    const { status } = await start({ adapter });
    expect(await status('/tenant', { 'x-tenant-id': 'a' })).toBe(200);
    expect(await status('/tenant', { 'x-tenant-id': 'b' })).toBe(429);
  });

  it.each([
    ['no hop is trusted', undefined, 1, /no proxy is trusted/],
    ['none turns out to be', 0, 1, /no proxy is trusted/],
    ['one is', 1, 0, /^$/],
  ])('warns once of a proxy when %s', async (_how, hops, times, text) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const { status } = await start({ adapter, hops });
    for (let i = 0; i < 3; i++) await status('/ip', forwarded('203.0.113.1'));
    expect(warn).toHaveBeenCalledTimes(times);
    if (times) expect(warn.mock.calls[0]![0]).toMatch(text);
  });
});

it('Express that trusts every hop is warned of: a client may then choose its address', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  const { status } = await start({ adapter: 'express', hops: true });
  await status('/ip', forwarded('203.0.113.1'));
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/Every proxy is trusted/));
});

it('an API key is a secret, and is not stored', async () => {
  const server = await startRedis();
  const { status } = await start({ adapter: 'express' }, { redis: server.url });
  await status('/key', { 'x-api-key': 'very-secret' });
  const client = new Redis(server.url);
  const keys = await client.keys('*');
  client.disconnect();
  await closeApps();
  await server.stop();
  expect(keys).toEqual([expect.stringMatching(/^rl:\{key:[\w-]{22}\}:key:fw3600000$/)]);
});

it('odd header values are answered like all others, and reach nobody else', async () => {
  const { status } = await start({ adapter: 'fastify' });
  const values = ['}x', '{}', '{a}b', '%7d', 'k'.repeat(8_000), '__proto__', 'constructor', 'a'.repeat(129), '\u00e9'];
  for (const value of values) expect(await status('/header', { 'x-region': value })).toBe(200);
  for (const value of values) expect(await status('/header', { 'x-region': value })).toBe(429);
});
