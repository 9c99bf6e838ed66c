import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { slotOf } from '../../libs/rate-limit/src/stores/redis/wire/slots.js';
import { startCluster, type Cluster } from '../support/redis/cluster.js';
import {
  closeClusterClients,
  ioredisVersions,
  keyOnEachNode,
  openCluster,
  type ClusterClient,
} from './cluster-clients.js';

const ROUNDS = 50;
const daily = definePolicy({ name: 'daily', limit: 100, window: '1d' });

let cluster: Cluster;
// However long a test takes on a busy machine, the other nodes do not think the silent one gone.
beforeAll(async () => void (cluster = await startCluster({ args: ['--cluster-node-timeout', '60000'] })), 60_000);
afterAll(() => cluster?.stop());

describe.each(ioredisVersions)('one node of a Cluster is silent until it thaws, %s', (version) => {
  let client: ClusterClient;
  let store: RedisStore;
  let silent: string;
  let others: string[];
  beforeEach(async () => {
    client = openCluster[version](cluster);
    store = new RedisStore(client, { timeout: 200 });
    [silent, ...others] = (await keyOnEachNode(client, cluster)) as [string, ...string[]];
    await spend([silent, ...others]);
  });
  afterEach(async () => {
    await thaw();
    closeClusterClients();
  });

  const spend = async (keys: readonly string[], cost = 1) =>
    store.consume(keys.map((key) => ({ policy: daily, key, cost })));
  const left = async (key: string) => (await spend([key], 0))[0]!.remaining;

  const freeze = () => cluster.nodes[0]!.freeze();
  const thaw = () => cluster.nodes[0]!.thaw();
  const clientOf = (node: number) =>
    client.nodes('master').find(({ options }) => options.port === cluster.nodes[node]!.port)!;

  /** How many scripts a node has run. */
  async function scriptsRun(node: number): Promise<number> {
    const stats = await clientOf(node).info('commandstats');
    return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    );
  }

  it('its own partitions are unavailable in time, the others are decided, and nothing is charged late', async () => {
    await freeze();
    await expect(spend([silent])).rejects.toThrow(/Redis at .* gave no answer in 200 ms/);
    expect((await spend([others[0]!]))[0]!.remaining).toBe(98);
    expect((await spend(others))[0]!.remaining).toBe(97);
    await thaw();
    expect(await left(silent)).toBe(99);
  });

  it('soon nobody waits for it, and the others are decided as ever, one that it has a part in included', async () => {
    await freeze();
    await Promise.allSettled(Array.from({ length: 5 }, () => spend([silent])));
    const before = await scriptsRun(2);
    for (let i = 0; i < ROUNDS; i++) {
      await expect(spend([silent, ...others])).rejects.toThrow(/Redis at .* gave no answer in 200 ms/);
      expect((await spend([others[0]!]))[0]!.remaining).toBe(98 - i);
    }
    // Refused before anything is charged, so there is nothing to give back: but for the one now and then that tries the
    // silent node, and waits, and is charged and given back elsewhere.
    expect((await scriptsRun(2)) - before).toBeLessThanOrEqual((2 * ROUNDS) / 5);
    await thaw();
    expect(await becomes(99, () => left(silent).catch(() => -1))).toBe(99);
    expect(await left(others[1]!)).toBe(99);
  });

  it('no request of one slot waits for the deadline of a later one in another', async () => {
    const patient = new RedisStore(client, { timeout: 500 });
    let other = silent;
    while (slotOf(`{${other}}`) === slotOf(`{${silent}}`)) [other] = (await keyOnEachNode(client, cluster)) as [string];
    const ask = (key: string) => patient.consume([{ policy: daily, key, cost: 1 }]);
    await Promise.all([ask(silent), ask(other)]);
    await freeze();

    const rejected: string[] = [];
    const watch = (name: string, key: string) => ask(key).catch(() => rejected.push(name));
    const first = watch('first', silent);
    await sleep(50);
    const second = watch('second', silent);
    await sleep(350);
    const last = watch('last', other);
    await Promise.all([first, second]);
    await turn();
    expect(rejected).toEqual(['first', 'second']);
    await last;
    expect(rejected).toEqual(['first', 'second', 'last']);
  });

  it('the others are decided also when they have forgotten the script', async () => {
    await freeze();
    await Promise.all([1, 2].map((node) => clientOf(node).script('FLUSH')));
    const answers = await Promise.allSettled(others.map((key) => spend([key])));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  it('a request that it has a part in fails, and the other parts are given back', async () => {
    await freeze();
    await expect(spend([silent, ...others])).rejects.toThrow(StoreUnavailableError);
    await thaw();
    expect(await left(silent)).toBe(99);
    for (const key of others) expect(await becomes(99, () => left(key))).toBe(99);
  });
});

/** Asks until the answer is the one awaited, for two seconds. */
async function becomes<T>(awaited: T, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 2_000;
  let answer = await ask();
  while (answer !== awaited && performance.now() < deadline) answer = await ask();
  return answer;
}
