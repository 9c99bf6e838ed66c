import { Controller, Get, Logger, Module, Post, Version, type DynamicModule, type Type } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { RateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { boot, closeApps } from '../support/app.js';
import { startRedis, type Server } from '../support/redis/servers.js';

let server: Server;
let redis: Redis;
/** Has a folder for each application. */
let disk: string;
const [, script] = process.argv as [string, string];
const folder = process.cwd();
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  disk = mkdtempSync(join(tmpdir(), 'rl-apps-'));
});
afterEach(async () => {
  process.argv[1] = script;
  process.chdir(folder);
  jest.restoreAllMocks();
  await closeApps();
  await redis.flushall();
});
afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
  rmSync(disk, { recursive: true, force: true });
});

/** From now on, this is the application that runs. */
function run(application: string, main = 'dist/main.js'): void {
  const root = join(disk, application);
  mkdirSync(extname(main) === '' ? join(root, main) : root, { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: application }));
  process.argv[1] = join(root, main);
}

const once = RateLimit({ limit: 1, window: '1h' });

/** A controller as one build has it: a minifier gives its class a name of its own. */
function cats(name = 'CatsController', path: string | string[] = 'cats'): Type {
  @Controller(path)
  class CatsController {
    @Get(':id')
    @once
    find() {}
  }
  return Object.defineProperty(CatsController, 'name', { value: name });
}

const start = (controllers: Type[], options: RateLimitModuleOptions = {}, imports: (Type | DynamicModule)[] = []) =>
  boot('express', { redis: server.url, ...options }, { controllers, imports });

const owners = async () => (await redis.keys('*')).map((key) => /:(@.*):fw3600000$/.exec(key)![1]).sort();

describe('quotas of policies without a name', () => {
  it('are shared by instances and builds of one application, whatever its minifier calls classes', async () => {
    run('shop');
    const one = await start([cats()]);
    const other = await start([cats('a')]);
    // The same name for another class: neither that nor the order matters.
    const reordered = await start([cats('a', 'dogs'), cats('a')]);
    const statuses: number[] = [];
    for (const { get } of [one, other, reordered]) statuses.push((await get('/cats/1')).status);
    expect(statuses).toEqual([200, 429, 429]);
    expect((await reordered.get('/dogs/1')).status).toBe(200);
    expect(await owners()).toEqual(['@shop:GET/cats/:id', '@shop:GET/dogs/:id']);
  });

  it('stay where they are when a build adds a default or a policy of the controller', async () => {
    run('shop');
    const before = await start([cats()]);
    const added = { limit: 5, window: '2h' } as const;
    const Cats = cats();
    RateLimit(added)(Cats);
    const after = await start([Cats], { default: [added] });
    expect((await before.get('/cats/1')).status).toBe(200);
    expect((await after.get('/cats/1')).status).toBe(429);
    expect((await redis.keys('*')).filter((key) => key.includes('#'))).toEqual([]);
  });

  it('are apart from those of another application on the same Redis', async () => {
    const statuses: number[] = [];
    for (const [name, main] of [
      ['shop', 'dist/main.js'],
      ['desk', 'dist/main.js'],
      ['mono', 'dist/apps/api/main.js'],
      ['mono', 'dist/apps/admin/main.js'],
      // Sources and build are one application.
      ['mono', 'apps/admin/src/main.ts'],
      // The folder itself.
      ['mono', 'dist/apps/jobs'],
    ] as const) {
      run(name, main);
      const { get } = await start([cats()]);
      statuses.push((await get('/cats/1')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 200]);
    expect(await owners()).toEqual(
      ['desk', 'mono/admin', 'mono/api', 'mono/jobs', 'shop'].map((application) => `@${application}:GET/cats/:id`),
    );
  });

  it('have the prefix that is given in place of the name of the application', async () => {
    run('shop');
    const { get } = await start([cats()], { prefix: 'desk' });
    await get('/cats/1');
    expect(await owners()).toEqual(['@GET/cats/:id']);
    expect(await redis.keys('desk:*')).toHaveLength(1);
  });

  it('without a name of the application a warning asks for a prefix', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    // Of a process manager, in a folder without a package.
    process.argv[1] = '/opt/node_modules/pm2/lib/ProcessContainerFork.js';
    process.chdir(disk);
    await start([cats()]);
    // A bundle without a package, started from the folder of one.
    process.argv[1] = join(disk, 'main.js');
    process.chdir(folder);
    await start([cats()]);
    expect(warn.mock.calls).toEqual(Array(2).fill([expect.stringMatching(/^Unnamed policies share .* Set a prefix/)]));
    warn.mockClear();
    await start([]);
    await start([cats()], { prefix: 'shop' });
    expect(warn).not.toHaveBeenCalled();
  });

  it('have the whole address that the decorators and RouterModule declare', async () => {
    run('shop');
    @Controller({ path: ['/a/', 'b'], version: '1', host: 'api.localhost' })
    class ManyController {
      @Post(['x', 'y//'])
      @once
      some() {}

      @Get('名')
      @Version(['3', '2'])
      @RateLimit({ limit: 1, window: '1h' }, { limit: 2, window: '1h' })
      other() {}
    }
    @Controller('odd')
    class OddController {
      @Get('a#2')
      @once
      hash() {}

      @Get(['a,/odd/b;v=1'])
      @once
      comma() {}
    }
    @Module({ controllers: [cats(), ManyController, OddController] })
    class Inner {}
    @Module({
      controllers: [
        cats(
          'cats',
          Array.from({ length: 30 }, (_, i) => `path-${i}`),
        ),
      ],
    })
    class Outer {}
    const { nest } = await start([], {}, [
      Inner,
      Outer,
      RouterModule.register([{ path: 'v1', children: [{ path: 'admin', module: Inner }, Outer] }]),
    ]);
    const found = new Set<string>();
    for (const { providers } of (
      nest as unknown as {
        container: { getModules(): Map<string, { providers: Map<unknown, { instance: unknown }> }> };
      }
    ).container
      .getModules()
      .values()) {
      const plans = providers.get(Symbol.for('nestjs-redis-rate-limit/plans'))?.instance as
        { routes: { owner: string }[] } | undefined;
      for (const { owner } of plans?.routes ?? []) found.add(owner);
    }
    expect([...found]).toEqual([
      '@shop:GET/v1/admin/cats/:id',
      '@shop:POST/v1/admin/a/x,/v1/admin/a/y,/v1/admin/b/x,/v1/admin/b/y;v=1;host=api.localhost',
      '@shop:GET/v1/admin/a/%540d;,/v1/admin/b/%540d;;v=2,3;host=api.localhost',
      // What would end a part is no part of one.
      '@shop:GET/v1/admin/odd/a%23;2',
      '@shop:GET/v1/admin/odd/a%2c;/odd/b%3b;v=1',
      expect.stringMatching(/^@shop:#[\w-]{43}$/),
    ]);
  });

  it('of two handlers with one address are one, and that is said', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    run('shop');
    await start([cats('CatsController'), cats('LionsController'), cats('CatsController')]);
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^Handlers with the same method and path share .*: CatsController.find and LionsController.find and CatsController.find. Give/,
        ),
      ],
    ]);
  });
});
