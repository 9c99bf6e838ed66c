import { Controller, Get, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { byIp, byUser, RateLimit } from 'nestjs-redis-rate-limit';
import { LoginController } from '../../docs/examples/login.controller.js';
import { pseudonymous } from '../../docs/examples/pseudonymous.js';
import { adapters, boot, closeApps } from '../support/app.js';
import { closeClients, connectTo } from '../support/clients.js';
import { startRedis, type Server } from '../support/redis/servers.js';

const SECRET = 'of the test';

class FakeUsers implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest();
    request.user = { id: request.headers['x-user'] };
    return true;
  }
}

@Controller()
class PrivateController {
  @Get('address')
  @RateLimit({ name: 'address', limit: 5, window: '1h', key: pseudonymous(byIp, SECRET) })
  address() {}

  @Get('user')
  @RateLimit({ name: 'user', limit: 5, window: '1h', key: pseudonymous(byUser, SECRET) })
  user() {}
}

let server: Server | undefined;
afterEach(async () => {
  await closeApps();
  closeClients();
  await server?.stop();
  server = undefined;
});

describe.each(adapters)('the examples of the documentation, on %s', (adapter) => {
  it('pseudonymous: nobody is named in Redis, each has a quota of his own, and a user is known in time', async () => {
    server = await startRedis();
    const { get } = await boot(
      adapter,
      { redis: server.url },
      { controllers: [PrivateController], prepare: (nest) => nest.useGlobalGuards(new FakeUsers()) },
    );
    const left = async (path: string, user: string) =>
      (await get(path, { 'x-user': user })).headers.get('ratelimit')!.split(';')[1];
    expect([await left('/user', 'alice'), await left('/user', 'alice'), await left('/user', 'bob')]).toEqual([
      'r=4',
      'r=3',
      'r=4',
    ]);
    expect([await left('/address', 'alice'), await left('/address', 'bob')]).toEqual(['r=4', 'r=3']);
    const keys = await connectTo(server.url).keys('*');
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(key).toMatch(/^rl:\{[\w-]{43}\}:(user|address):fw3600000$/);
  });

  const login = async (url: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}/login`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  };
  const attempts = async (url: string, count: number, body: (i: number) => unknown) => {
    const statuses = [];
    for (let i = 0; i < count; i++) statuses.push(await login(url, body(i)));
    return statuses.filter((status) => status === 200).length;
  };

  it('login: an account is tried ten times, however it is spelled', async () => {
    const { url } = await boot(adapter, {}, { controllers: [LoginController] });
    const spelled = ['a@b.example', 'A@B.example', ' a@b.example ', 'ａ@b.example'];
    expect(await attempts(url, 20, (i) => ({ email: spelled[i % 4] }))).toBe(10);
    expect(await login(url, { email: 'c@d.example' })).toBe(200);
  });

  it('login: an address tries thirty times, whatever it sends for an account', async () => {
    const { url } = await boot(adapter, {}, { controllers: [LoginController] });
    const odd = [{}, { email: 5 }, { email: ['a@b.example'] }, { email: null }, [], { email: { $ne: '' } }];
    expect(await attempts(url, 40, (i) => odd[i] ?? { email: `${i}@b.example` })).toBe(30);
  });
});
