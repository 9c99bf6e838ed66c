import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './commands.js';
import { sharedRedis } from '../support/redis/servers.js';
import { InstalledApp, pack, removeApps } from './installed-app.js';

const PATIENCE = 120_000;
/** As npx runs it. */
const COMMAND = 'node_modules/.bin/nestjs-redis-rate-limit';

/** The script that docs/without-nest.md begins with. */
const script = /```js\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs/without-nest.md'), 'utf8'))![1]!;
const printed = 'sent, 1 left\nsent, 0 left\nwait for 3600 s\n';

let app: InstalledApp;
beforeAll(async () => void (app = await InstalledApp.install('plain-node', await pack())), PATIENCE);
afterAll(removeApps, PATIENCE);

describe('the engine, where NestJS is not installed', () => {
  it('runs the script of the documentation in memory, without another package', async () => {
    expect(await app.installed()).toEqual(['ipaddr.js', 'nestjs-redis-rate-limit']);
    await app.write('script.js', script);
    expect(await app.node('script.js')).toBe(printed);
  });

  it('brings a command line, which says when it needs ioredis', async () => {
    expect(await app.node(COMMAND, { args: ['--help'] })).toContain('Exit codes');
    await expect(app.node(COMMAND, { args: ['inspect', 'user:1'] })).rejects.toThrow(/RL_IOREDIS_MISSING/);
  });

  it('can be required, and its types need no other package', async () => {
    expect(await app.node('required.cjs')).toBe('true 0\n');
    expect(await app.compile()).toBe('');
  });

  it('says which package metrics need, imported and required', async () => {
    const asked = `
      const registry = { metrics() {}, registerMetric() {}, getSingleMetric() {} };
      const messages = [{ prometheus: registry }, { openTelemetry: true }].map((options) =>
        createLimiter(options).catch(({ message }) => message.replace(/:.*; /, ': ')));
      Promise.all(messages).then((all) => console.log(all.join('\\n')));`;
    const entry = "'nestjs-redis-rate-limit/engine'";
    await app.write('metrics.mjs', `import { createLimiter } from ${entry};${asked}`);
    await app.write('metrics.cjs', `const { createLimiter } = require(${entry});${asked}`);
    for (const file of ['metrics.mjs', 'metrics.cjs']) {
      expect(await app.node(file)).toBe(
        'RL_PROM_CLIENT_MISSING: run npm install prom-client\n' +
          'RL_OPENTELEMETRY_MISSING: run npm install @opentelemetry/api\n',
      );
    }
  });

  // The first versions of ioredis 5 have no export Redis.
  it.each(['5.0.0', '6'])(
    'runs the same script on Redis with ioredis %s, and the process ends by itself',
    async (version) => {
      await app.add(`ioredis@${version}`);
      // The script sets no prefix, so its quota must be one that nobody else uses.
      await app.write('script.js', script.replaceAll('tenant:acme', `tenant:${randomUUID()}`));
      const env = { REDIS_URL: sharedRedis().url };
      expect(await app.node('script.js', { env })).toBe(printed);
      const key = /tenant:[\w-]+/.exec(await app.read('script.js'))![0];
      expect(await app.node(COMMAND, { args: ['inspect', key], env })).toContain('used 2');
    },
    PATIENCE,
  );
});
