import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { jest } from '@jest/globals';
import { Logger, type CanActivate, type ExecutionContext, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { startRedis } from '../support/redis/servers.js';
import { createApp } from './getting-started/create-app.js';
import { AppModule as FirstModule } from './getting-started/first.module.js';

// The page is followed: what its consoles show is what comes.

const page = readFileSync(new URL('../../docs/getting-started.md', import.meta.url), 'utf8');
const consoles = new Map(
  [...page.matchAll(/^```console\n\$ (.*)\n([^]*?)\n```$/gm)].map(([, command, output]) => [command!, output!]),
);
const LOOK = `| grep -E '^(HTTP|RateLimit|Retry)'`;
const FIRST = `for i in 1 2 3 4; do curl -si http://127.0.0.1:3000/cats ${LOOK}; done`;
const HANDLER = `for i in 1 2; do curl -si -X POST http://127.0.0.1:3000/cats ${LOOK}; done`;
const SHARED = `for port in 3000 3001 3000 3001; do curl -si http://127.0.0.1:$port/cats ${LOOK}; done`;
const KEYS = `redis-cli --scan --pattern 'rl:*'`;

/** Asks one after another; what `curl -si … | grep` prints of it. */
async function asked(urls: string[], method = 'GET', headers: Record<string, string> = {}): Promise<string> {
  const lines: string[] = [];
  for (const url of urls) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { method, headers }, resolve).once('error', reject).end();
    });
    response.resume();
    const { statusCode, statusMessage, rawHeaders } = response;
    lines.push(`HTTP/1.1 ${statusCode} ${statusMessage}`);
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (/^(RateLimit|Retry)/.test(rawHeaders[i]!)) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
    }
  }
  return lines.join('\n');
}

/** Redis' clock goes on while it is asked. */
const withoutSeconds = (text: string): string => text.replace(/(?<=t=|Retry-After: )\d+/g, '…');

const open: INestApplication[] = [];
async function started(app: INestApplication): Promise<string> {
  open.push(app);
  await app.listen(0, '127.0.0.1');
  return `${await app.getUrl()}/cats`;
}

const { REDIS_URL } = process.env;
beforeEach(() => {
  Logger.overrideLogger(false);
  jest.spyOn(Date, 'now').mockReturnValue(Date.now());
  delete process.env.REDIS_URL;
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const app of open.splice(0)) await app.close();
  if (REDIS_URL !== undefined) process.env.REDIS_URL = REDIS_URL;
});

it('shows nothing in its consoles that is not tested here', () => {
  expect([...consoles.keys()]).toEqual([FIRST, HANDLER, SHARED, KEYS]);
});

it('the first denial comes as shown', async () => {
  const url = await started(await NestFactory.create(FirstModule));
  expect(await asked([url, url, url, url])).toBe(consoles.get(FIRST));
});

it('a limit of a handler is on top of the default, as shown', async () => {
  const url = await started(await createApp());
  expect(await asked([url, url], 'POST')).toBe(consoles.get(HANDLER));
});

it('a skipped handler has no limit', async () => {
  const url = await started(await createApp());
  const health = Array.from({ length: 10 }, () => `${url}/health`);
  expect(new Set((await asked(health)).split('\n'))).toEqual(new Set(['HTTP/1.1 200 OK']));
});

it('users have a quota each, and without one the address pays', async () => {
  const guard: CanActivate = {
    canActivate(context: ExecutionContext) {
      const incoming = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
      if (incoming.headers['x-user']) incoming.user = { id: incoming.headers['x-user'] };
      return true;
    },
  };
  const app = await createApp();
  app.useGlobalGuards(guard);
  const url = await started(app);
  const left = async (headers: Record<string, string>) => {
    return /"mine";r=(\d)/.exec(await asked([`${url}/mine`], 'GET', headers))?.[1];
  };
  // By another address each: the default counts addresses.
  expect(await left({ 'x-user': 'ann', 'x-forwarded-for': '203.0.113.1' })).toBe('1');
  expect(await left({ 'x-user': 'ann', 'x-forwarded-for': '203.0.113.2' })).toBe('0');
  expect(await left({ 'x-user': 'bob', 'x-forwarded-for': '203.0.113.2' })).toBe('1');
  expect(await left({ 'x-forwarded-for': '203.0.113.3' })).toBe('1');
  expect(await left({ 'x-forwarded-for': '203.0.113.3' })).toBe('0');
});

it('on Redis two instances share a quota, under the key that is shown', async () => {
  const server = await startRedis();
  const client = new Redis(server.url);
  try {
    process.env.REDIS_URL = server.url;
    const [one, other] = [await started(await createApp()), await started(await createApp())];
    expect(withoutSeconds(await asked([one, other, one, other]))).toBe(withoutSeconds(consoles.get(SHARED)!));
    expect((await client.keys('rl:*')).join('\n')).toBe(consoles.get(KEYS));
  } finally {
    client.disconnect();
    for (const app of open.splice(0)) await app.close();
    await server.stop();
  }
});
