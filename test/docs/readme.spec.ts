import { Controller, Get, Module, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRedis, type Server } from '../support/redis/servers.js';
import { read, ROOT } from './pages.js';

const FOLDER = join(ROOT, 'test/docs/.blocks');

/** What somebody has who copies the modules of README.md, with the address of his own Redis. */
async function copied(redis: string): Promise<{ AppModule: Type; ReportsController: Type }> {
  const modules = read('README.md').blocks.filter(({ language, words }) => language === 'ts' && words.length === 0);
  const exported: Record<string, Type> = {};
  mkdirSync(FOLDER, { recursive: true });
  for (const [i, { lines }] of modules.entries()) {
    const file = join(FOLDER, `readme-${i}.ts`);
    writeFileSync(file, lines.join('\n').replace('redis://localhost:6379', redis));
    Object.assign(exported, await import(file));
  }
  return exported as { AppModule: Type; ReportsController: Type };
}

@Controller('other')
class OtherController {
  @Get()
  other() {
    return {};
  }
}

describe('the modules of README.md, copied', () => {
  let server: Server;
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    server = await startRedis();
    const { AppModule, ReportsController } = await copied(server.url);
    class Root {}
    Module({ imports: [AppModule], controllers: [ReportsController, OtherController] })(Root);
    app = await NestFactory.create(Root, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(async () => {
    await app?.close();
    await server?.stop();
    rmSync(FOLDER, { recursive: true, force: true });
  });

  const create = () => fetch(`${url}/reports`, { method: 'POST' });

  it('limit a route by its own policy and by the default one, and leave out the one that skips', async () => {
    const answers = [await create(), await create(), await create(), await create()];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429]);
    expect(answers[0]!.headers.get('ratelimit-policy')).toBe('"burst";q=20;w=1, "3-per-1m";q=3;w=60');
    expect(await answers[3]!.json()).toMatchObject({ 'violated-policies': ['3-per-1m'] });

    const health = await fetch(`${url}/reports/health`);
    expect([health.status, health.headers.get('ratelimit')]).toEqual([200, null]);
  });

  it('limit every route by the default policy, to what the bucket holds and what flows in meanwhile', async () => {
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 200 }, () => fetch(`${url}/other`)));
    const seconds = (performance.now() - began) / 1_000;
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(200 - passed);
    expect(passed).toBeLessThanOrEqual(20 + 20 * seconds);
    // The test before may have spent three.
    expect(passed).toBeGreaterThanOrEqual(20 - 3);
  });
});
