import { randomUUID } from 'node:crypto';
import { sharedRedis } from '../support/redis/servers.js';
import { soonAfter } from '../support/soon-after.js';
import { InstalledApp, pack, removeApps } from './installed-app.js';
import { nodes } from './nodes.js';

// Packages are fetched and TypeScript runs four times.
const PATIENCE = 180_000;

const versions = await nodes();

const limited = [
  '200 "2-per-1m";r=1;t=60 text/html; charset=utf-8',
  '200 "2-per-1m";r=0;t=60 text/html; charset=utf-8',
  '429 "2-per-1m";r=0;t=60 application/problem+json; charset=utf-8',
  '',
].join('\n');

const DENIAL = 'Over the quota of "2-per-1m" (2 per 1m).';

const onRedis = () => ({ env: { REDIS_URL: sharedRedis().url, PREFIX: `test-${randomUUID()}` } });

let nest12: InstalledApp;
let nest11: Promise<InstalledApp>;

beforeAll(async () => {
  const tarball = await pack();
  // The slow one is needed last.
  nest11 = InstalledApp.install('nest-11-commonjs', tarball);
  nest11.catch(() => {});
  nest12 = await InstalledApp.install('nest-12-esm', tarball);
}, PATIENCE);

afterAll(async () => {
  await nest11.catch(() => {});
  await removeApps();
}, PATIENCE);

describe('installed in a NestJS 12 application of ES modules', () => {
  it(
    'limits in memory without ioredis, compiles without it, and says when it is needed',
    async () => {
      expect(await nest12.compile()).toBe('');
      expect(await nest12.node('dist/main.js')).toEqual(soonAfter(limited));
      await expect(nest12.node('dist/main.js', onRedis())).rejects.toThrow(/RL_IOREDIS_MISSING.*npm install ioredis/);
    },
    PATIENCE,
  );

  it(
    'documents its limits for @nestjs/swagger 12',
    async () => {
      expect(await nest12.compile()).toBe('');
      expect(JSON.parse(await nest12.node('dist/document.js'))).toMatchObject({ description: DENIAL });
    },
    PATIENCE,
  );

  it(
    'limits on Redis with ioredis 6, and takes its types',
    async () => {
      await nest12.add('ioredis@6');
      expect(await nest12.compile('tsconfig.ioredis.json')).toBe('');
      expect(await nest12.node('dist/main.js', onRedis())).toEqual(soonAfter(limited));
    },
    PATIENCE,
  );
});

describe('installed in a NestJS 11 application of CommonJS', () => {
  it.each(['node10', 'node16'])(
    'compiles with moduleResolution %s, limits in memory and on Redis with ioredis 5, and documents it',
    async (moduleResolution) => {
      const app = await nest11;
      const module = moduleResolution === 'node16' ? 'node16' : 'commonjs';
      expect(await app.compile('.', '--module', module, '--moduleResolution', moduleResolution)).toBe('');
      expect(await app.node('dist/main.js')).toEqual(soonAfter(limited));
      expect(await app.node('dist/main.js', onRedis())).toEqual(soonAfter(limited));
      expect(JSON.parse(await app.node('dist/document.js'))).toMatchObject({ description: DENIAL });
    },
    PATIENCE,
  );

  it(
    'is found by a CommonJS Jest, with its conformance suite',
    async () => {
      const app = await nest11;
      await app.node('node_modules/jest/bin/jest.js', { args: ['--ci'] });
    },
    PATIENCE,
  );
});

// As the tests above left the applications: compiled, and with ioredis.
describe('the same applications', () => {
  /** Side by side, and of each version one after the other. */
  const runs = new Map<number, Promise<string[]>>();

  async function outputs(program: string): Promise<string[]> {
    const app = await nest11;
    const printed: string[] = [];
    for (const each of [nest12, app]) {
      printed.push(await each.node('dist/main.js', { program }));
      printed.push(await each.node('dist/main.js', { program, ...onRedis() }));
    }
    await app.node('node_modules/jest/bin/jest.js', { program, args: ['--ci'] });
    return printed;
  }

  beforeAll(() => {
    for (const { major, program } of versions) {
      if (!program) continue;
      const run = outputs(program);
      run.catch(() => {});
      runs.set(major, run);
    }
  });

  for (const { major, program } of versions) {
    (program ? it : it.skip)(
      `of ES modules and of CommonJS do all that on Node.js ${major}, in memory, on Redis and under Jest`,
      async () => expect(await runs.get(major)).toEqual(Array(4).fill(soonAfter(limited))),
      PATIENCE,
    );
  }
});
