import { otherComplaints, sampleRequestsOf } from './blocks.js';
import { deadLinks, slugsOf } from './links.js';
import { read, type Block } from './pages.js';
import { compile } from './typescript.js';

const blockOf = (page: string, [info, ...lines]: readonly string[]): Block =>
  read(page, ['```' + info!, ...lines, '```'].join('\n')).blocks[0]!;

/** The complaints about blocks that each stand on a page of its own, from line 1 on. */
const compiled = (blocks: readonly (readonly string[])[]): string[][] => [
  ...compile(blocks.map((block, i) => blockOf(`page-${i}.md`, block))).values(),
];

/** In milliseconds. The compiler takes seconds, more of them on a busy machine. */
const COMPILING = 120_000;

describe('a block of TypeScript', () => {
  it(
    'compiles, whatever its kind',
    () => {
      const blocks = [
        [
          'ts',
          "import { definePolicy } from 'nestjs-redis-rate-limit';",
          "definePolicy({ name: 'a', limit: 1, window: 1 });",
        ],
        ['ts options', "timeout: 100, prefix: 'app',"],
        ['ts options', "redis: 'redis://localhost',", 'redis: { host: "localhost" }, // or', 'redis,'],
        [
          'ts handler',
          '@Get()',
          "@RateLimit('burst')",
          'find(@Req() request: RateLimitRequest) { return request.ip; }',
        ],
        ['ts body', "const { allowed } = await limiter.consume('burst', 'user:42');", 'await app.close();'],
      ];
      expect(compiled(blocks)).toEqual(blocks.map(() => []));
    },
    COMPILING,
  );

  it(
    'that is wrong is told at its own line',
    () => {
      const blocks: [string[], RegExp][] = [
        [['ts', '', "import { Nobody } from 'nestjs-redis-rate-limit';"], /:3: TS2305 .*Nobody/],
        [['ts', 'const text: string = 5;'], /:2: TS2322 /],
        [['ts', 'limit: 5,'], /:2: TS/],
        [['ts options', "prefix: 'app',", "timeout: '100',"], /:3: TS2322 /],
        [['ts options', 'redis: 5,', "redis: 'redis://localhost',"], /:2: TS2322 /],
        [['ts options', 'tiemout: 100,'], /:2: TS\d+ .*tiemout/],
        [['ts handler', '@RateLimit({ limit: 5 })', 'find() {}'], /:2: TS2345 /],
        [['ts body', "await limiter.consume('burst');"], /:2: TS2345 /],
        [['ts moduel', 'export {};'], /:1: "moduel" is no kind of block/],
        [['ts options body', 'timeout: 5'], /:1: a block is of one kind/],
        [['ts file=docs/none.ts', 'export {};'], /:1: there is no file docs\/none\.ts/],
        [['ts file=jest.config.js', 'export {};'], /:1: this is not what jest\.config\.js says/],
      ];
      const told = compiled(blocks.map(([block]) => block));
      expect(told.map(([first]) => first)).toEqual(blocks.map(([, pattern]) => expect.stringMatching(pattern)));
    },
    COMPILING,
  );

  it(
    'can be imported by the modules of its page, if its first line says what it is called',
    () => {
      const module = ['```ts', '// src/app.module.ts', 'export class AppModule {}', '```'];
      const main = [
        '```ts',
        '// src/main.ts',
        "import { AppModule } from './app.module.js';",
        'new AppModule().run();',
        '```',
      ];
      const { blocks } = read('page.md', [...module, ...main].join('\n'));
      expect([...compile(blocks).values()]).toEqual([[], [expect.stringMatching(/^page\.md:8: TS2339 .*run/)]]);
    },
    COMPILING,
  );

  it(
    'that is no module may use what the modules before it export',
    () => {
      const module = ['```ts', 'export const five = 5;', '```', '```ts options', 'timeout: five,', '```'];
      const { blocks } = read('page.md', ['```ts options', 'timeout: five,', '```', ...module].join('\n'));
      expect([...compile(blocks).values()]).toEqual([[expect.stringMatching(/^page\.md:2: TS2304 .*five/)], [], []]);
    },
    COMPILING,
  );
});

describe('a block of anything else', () => {
  it.each([
    ['', '│ a picture │'],
    ['sh', 'npm test -- test/unit   # a part', 'REDIS_URL=redis://localhost npm start', 'node scripts/start.mjs'],
    ['sh', 'npm run build -w nestjs-redis-rate-limit', 'npm install nestjs-redis-rate-limit ioredis@5'],
    ['console', '$ npm run lua -- --check', 'anything'],
    ['json', '{ "a": 1 }'],
    ['yaml', 'a: [1, 2]'],
    ['http', 'HTTP/1.1 429 Too Many Requests', 'RateLimit: "a";r=0;t=5', 'Retry-After: 5', '', '{"status":429}'],
  ])('that is right is let through: %s', async (...block) => {
    expect(await otherComplaints(blockOf('page.md', block))).toEqual([]);
  });

  it.each([
    [['', "@RateLimit('burst')"], /^page\.md:1: this looks like TypeScript/],
    [['text', 'import a from b'], /^page\.md:1: this looks like TypeScript/],
    [['bash', 'npm test'], /^page\.md:1: write sh instead of bash/],
    [['json options', '{}'], /^page\.md:1: only ts has kinds/],
    [['sh', 'npm test', 'npm run nothing'], /^page\.md:3: package\.json has no script "nothing"/],
    [['sh', 'A=1 npm run bench --json docs/none.json'], /^page\.md:2: there is no docs\/none\.json/],
    [['sh', 'npm run start -w nestjs-redis-rate-limit'], /no script "start"/],
    [['sh', 'npm install nestjs-redis-ratelimit'], /nestjs-redis-ratelimit: nothing here depends on it/],
    [['sh', 'for i in 1 2; do node scripts/none.mjs; done'], /there is no scripts\/none\.mjs/],
    [['console', 'npm test'], /^page\.md:2: no line begins with/],
    [['console', '$ npm test', 'RateLimit: "a";t=5'], /^page\.md:3: RateLimit: "a" has no r/],
    [['json', '{ "a": … }'], /^page\.md:2: .*JSON/],
    [['yaml', 'a: [1, 2'], /^page\.md:2: /],
    [['http', 'HTTP/1.1 200 OK', 'RateLimit-Policy: "a";q=10;w=60;x=1'], /^page\.md:3: .* has x/],
    [['http', 'RateLimit: "a;r=1'], /^page\.md:2: RateLimit: /],
    [['http', 'no header line'], /^page\.md:2: "no header line" is no header line/],
  ])('that is wrong is told at its line: %j', async (block, told) => {
    const [first] = await otherComplaints(blockOf('page.md', block));
    expect(first).toMatch(told);
  });

  it('tells what it asks of the sample and not of an application of its own, loops and quotes and all', () => {
    const { blocks } = read(
      'page.md',
      [
        '```console',
        '$ for i in $(seq 12); do curl -si http://127.0.0.1:3000/api/ping; echo; done',
        "$ curl -i -H 'x-tenant-id: acme' \\",
        '>   -d \'{"tokens": 4}\' localhost:3000/api/generate | head -n 1',
        '$ curl https://example.com/',
        '$ curl http://127.0.0.1:3000/cats/tom',
        '```',
        '```ts',
        "@Controller('cats')",
        '```',
      ].join('\n'),
    );
    expect(sampleRequestsOf(blocks)).toEqual([
      { place: 'page.md:2: GET /api/ping', path: '/api/ping', init: { method: 'GET', headers: [] } },
      {
        place: 'page.md:3: POST /api/generate',
        path: '/api/generate',
        init: { method: 'POST', headers: [['x-tenant-id', 'acme']], body: '{"tokens": 4}' },
      },
    ]);
  });
});

describe('a link', () => {
  it('goes to a heading as GitHub names it', () => {
    const headings = ['# `RateLimit`: _the_ field', '## Es geht — so', '## Twice', '## Twice', '## [A link](x.md)?'];
    expect(slugsOf(headings)).toEqual(new Set(['ratelimit-the-field', 'es-geht--so', 'twice', 'twice-1', 'a-link']));
  });

  it.each([
    ['[a](none.md)', 'docs/none.md'],
    ['![a](performance/none.svg)', 'docs/performance/none.svg'],
    ['[a](policies.md#nowhere)', 'docs/policies.md#nowhere'],
    ['[a](#nowhere)', 'docs/redis.md#nowhere'],
    ['[a][b]\n\n[b]: ../NONE.md', 'NONE.md'],
    ['<img src="none.png">', 'docs/none.png'],
  ])('to nowhere is told: %s', (text, target) => {
    expect(deadLinks('docs/redis.md', `above\n${text}`)).toEqual([expect.stringContaining(target)]);
  });

  it.each([
    '[a](policies.md#on-handlers)',
    '[a](https://example.com)',
    '`[a](none.md)`',
    '```\n[a](none.md)\n```',
    '[a](../LICENSE)',
  ])('to somewhere, or no link at all, is let through: %s', (text) => {
    expect(deadLinks('docs/redis.md', text)).toEqual([]);
  });
});
