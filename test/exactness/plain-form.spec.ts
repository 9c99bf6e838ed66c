import { createHash } from 'node:crypto';
import { definePolicy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { consumeScript } from '../../libs/rate-limit/src/stores/redis/wire/consume.script.js';
import { OPCODE } from '../../libs/rate-limit/src/stores/redis/wire/frame.js';
import { ownServer } from '../support/redis/own-server.js';
import { recordingScripts, type ScriptCall } from '../support/script-calls.js';

/*
 * Most batches of an application have the plain form: every request asks for one unit of the same policy. The store is
 * fastest at it, so its arguments and its reply stay as they are, to the byte.
 */

const TIME = 1_800_000_000_000;

const own = ownServer();

/** The run that judged these requests, which were made in one turn. */
async function runOf(definition: PolicyDefinition, keys: readonly string[], now?: () => number): Promise<ScriptCall> {
  const calls: ScriptCall[] = [];
  const store = new RedisStore(recordingScripts(own.client, calls), { timeout: 10_000, ...(now && { now }) });
  const policy = definePolicy(definition);
  // So that the server's clock is known.
  await store.consume([{ policy, key: 'first', cost: 0 }]);
  await Promise.all(keys.map((key) => store.consume([{ policy, key, cost: 1 }])));
  return calls.at(-1)!;
}

/** Numbers of a reply behind the server's clock. */
const NINE = '0000000000002240';
const EIGHT = '0000000000002040';
const A_DAY = '0000000070999441';
const A_MINUTE = '00000000004ced40';
const ZERO = '0000000000000000';

it('a lone request of one unit is its key, the deadline, the limit and the window', async () => {
  const { keys, args, reply } = await runOf({ name: 'daily', limit: 10, window: '1d' }, ['user:1']);
  const serverNow = Number((await own.client.time())[0]) * 1_000;
  expect(keys).toEqual(['rl:{user:1}:daily:fw86400000']);
  expect(args.slice(1)).toEqual(['10', '86400000']);
  expect(args[0]).toMatch(/^\d{13}$/);
  expect(Math.abs(Number(args[0]) - 10_000 - serverNow)).toBeLessThan(5_000);
  expect(reply.subarray(8).toString('hex')).toBe(NINE + A_DAY + ZERO);
  expect(Math.abs(reply.readDoubleLE(0) - serverNow)).toBeLessThan(5_000);
});

it('under a calendar window it also has the bounds of the present window and the next one', async () => {
  const anchor = new Date((Math.floor(Date.now() / 1_000) - 43_200) * 1_000);
  const window = { calendar: 'day', anchor } as const;
  const { keys, args, reply } = await runOf({ name: 'daily', limit: 10, window }, ['user:1']);
  const [start, end] = [anchor.getTime() / 1_000, anchor.getTime() / 1_000 + 86_400];
  expect(keys).toEqual(['rl:{user:1}:daily:fwday']);
  expect(args.slice(1)).toEqual(['10', '172800000', `${start} ${end} ${end + 86_400}`]);
  expect(reply.subarray(8).toString('hex')).toMatch(new RegExp(`^${NINE}.{16}${ZERO}$`));
  expect(Math.abs(reply.readDoubleLE(0) + reply.readDoubleLE(16) - end * 1_000)).toBeLessThan(1);
});

it('no length of a window makes a lone request look like another call', async () => {
  const store = new RedisStore(own.client, { timeout: 10_000 });
  for (let window = 1; window <= 20; window++) {
    const policy = definePolicy({ name: 'short', limit: 10, window });
    expect((await store.consume([{ policy, key: 'k', cost: 1 }]))[0]).toMatchObject({ remaining: 9 });
  }
});

it('a batch is one key for each request, in order of arrival, and the same words once', async () => {
  const { keys, args, reply } = await runOf(
    { name: 'pace', limit: 10, window: '10m', burst: 10, algorithm: 'gcra' },
    ['a', 'b', 'a'],
    () => TIME,
  );
  expect(keys).toEqual(['rl:{a}:pace:gc600000', 'rl:{b}:pace:gc600000', 'rl:{a}:pace:gc600000']);
  expect(args.slice(1)).toEqual([String(TIME), 'gcra', '10', '600000', '10', '3600000']);
  expect(reply.subarray(8).toString('hex')).toBe(
    [NINE, A_MINUTE, ZERO, NINE, A_MINUTE, ZERO, EIGHT, A_MINUTE, ZERO].join(''),
  );
});

it('requests under as many policies, in order, are one run', async () => {
  const calls: ScriptCall[] = [];
  const store = new RedisStore(recordingScripts(own.client, calls), { timeout: 10_000, now: () => TIME });
  const [a, b, c] = [7, 8, 9].map((limit) => definePolicy({ name: `p${limit}`, limit, window: '1d' }));
  const asked = [a!, b!, c!, b!, b!, c!].map((policy) => ({ policy, key: 'k', cost: 1 }));
  const decisions = await Promise.all(asked.map((hit) => store.consume([hit])));
  const { hit, hitEach } = { hit: String(OPCODE.hit), hitEach: String(OPCODE.hitEach) };
  // a b c, then b twice, then c.
  expect(calls.at(-1)!.args.slice(2 + 3 * 5)).toEqual([hitEach, '3', '1', '1', hit, '2', '2', '1', hit, '1', '3', '1']);
  expect(decisions.map(([decision]) => decision!.remaining)).toEqual([6, 7, 8, 6, 5, 7]);
});

it('past the deadline the reply is the clock alone, and nothing is charged', async () => {
  const words = ['fixed-window', '10', '86400000', '10', '86400000'];
  const sha = createHash('sha1').update(consumeScript).digest('hex');
  await own.client.script('LOAD', consumeScript);
  const [before] = await own.client.time();
  const reply = (await own.client.callBuffer(
    'EVALSHA',
    sha,
    1,
    'rl:{late}:daily:fw86400000',
    '1',
    '',
    ...words,
  )) as Buffer;
  expect(reply.length).toBe(8);
  expect(reply.readDoubleLE(0)).toBeGreaterThanOrEqual(Number(before) * 1_000);
  expect(await own.client.keys('*')).toEqual([]);
});
