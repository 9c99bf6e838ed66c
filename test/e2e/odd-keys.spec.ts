import { jest } from '@jest/globals';
import { Controller, Get, Logger, type ExecutionContext } from '@nestjs/common';
import { byAll, byFirst, byHeader, byIp, RateLimit, type PolicyOptions, type Partition } from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';

/** What the next key is. */
let next: Partition;
const key = (): Partition => next;
const header = (context: ExecutionContext) =>
  context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-who'];

const once = (policy: Partial<PolicyOptions>) => RateLimit({ limit: 1, window: '1h', ...policy });

@Controller()
class OddController {
  @Get('own')
  @once({ name: 'own', key })
  own() {}

  @Get('async')
  @once({ name: 'async', key: async () => next, phase: 'late' })
  async() {}

  @Get('all')
  @once({ name: 'all', key: byAll(byIp, key) })
  all() {}

  @Get('first')
  @once({ name: 'first', key: byFirst(key, () => 'second', byHeader('x-who')) })
  first() {}

  @Get('resolve')
  @once({
    name: 'resolve',
    key,
    resolve: () => ({ key: next === 'found' ? 'team:undefined' : null }),
    resolveCache: { by: key, for: '1m' },
  })
  resolve() {}

  @Get('header')
  @once({ name: 'header', key: byHeader('x-who') })
  header() {}

  @Get('odd-skip')
  @once({ name: 'oddSkip', skip: (context) => header(context) as unknown as boolean })
  oddSkip() {}

  @Get('skipped')
  @once({ name: 'skipped', key: (context) => header(context), skip: (context) => header(context) === undefined })
  skipped() {}
}

let warnings: string[];
beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

const start = () => boot('express', {}, { controllers: [OddController] });

const early =
  " The key is made before your guards: if one of them sets what it is made of, give the policy phase: 'late'.";

it('null is no key, as undefined is', async () => {
  const { get } = await start();
  for (const path of ['/own', '/async', '/all', '/resolve']) {
    for (next of [undefined, null, undefined, null]) {
      const { status, headers } = await get(path);
      expect([path, status, headers.get('ratelimit')]).toEqual([path, 200, null]);
    }
  }
  for (next of [undefined, null]) expect((await get('/first')).status).toBe(next === null ? 429 : 200);
  expect(warnings.map((line) => line.slice(0, line.indexOf(', so')))).toEqual([
    'OddController.own: the key of the policy "own" is undefined',
    'OddController.async: the key of the policy "async" is undefined',
    'OddController.all: the key of the policy "all" is undefined',
    'OddController.resolve: the key of the policy "resolve" is undefined',
  ]);
  expect(warnings[0]).toBe(
    'OddController.own: the key of the policy "own" is undefined, so the policy does not limit such requests. ' +
      `If that is meant, say it with skip; if not, return a key for every request.${early} ` +
      'The function receives the ExecutionContext of Nest, not the request.',
  );
});

it('a key made of nothing is one quota for all, and that is said once of a policy', async () => {
  const { get } = await start();
  for (next of ['', 'user:undefined', 'user:null', 'user:NaN', '[object Object]', 'undefined:room', 'user:']) {
    expect([next, (await get('/own')).status, (await get('/own')).status]).toEqual([next, 200, 429]);
  }
  next = 'user:undefined';
  for (const path of ['/async', '/all', '/first']) expect((await get(path)).status).toBe(200);
  next = 'found';
  expect((await get('/resolve')).status).toBe(200);
  const share =
    'so all callers with this key share one quota. Check that the values it is made of are set, or return undefined for requests that the policy should not limit.';
  expect(warnings).toEqual([
    `OddController.own: the key of the policy "own" is "", ${share}${early}`,
    `OddController.async: the key of the policy "async" is "user:undefined", ${share}`,
    `OddController.all: the key of the policy "all" is "ip:127.0.0.1+user:undefined", ${share}${early}`,
    `OddController.first: the key of the policy "first" is "user:undefined", ${share}${early}`,
    `OddController.resolve: the key of the policy "resolve" is "team:undefined", ${share}${early}`,
  ]);
});

it('nothing is said of keys that callers choose, nor where skip says it', async () => {
  const { get } = await start();
  await get('/header', { 'x-who': 'undefined' });
  await get('/skipped');
  for (next of ['user:42', 'find:null-pointer']) await get('/own');
  expect(warnings).toEqual([]);
});

it('what skip returns counts by its truth; other than a boolean, that is said once', async () => {
  const { get } = await start();
  for (const who of ['no', 'false', 'a long secret']) {
    const { headers } = await get('/odd-skip', { 'x-who': who });
    expect(headers.get('ratelimit')).toBeNull();
  }
  expect((await get('/odd-skip')).headers.get('ratelimit')).not.toBeNull();
  expect(warnings).toEqual([
    'OddController.oddSkip: skip of the policy "oddSkip" returned "no", which counts as true: return true or false.',
  ]);
});
