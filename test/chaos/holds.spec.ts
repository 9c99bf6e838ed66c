import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from 'nestjs-redis-rate-limit';
import { definePolicy, type PolicyDefinition } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { everyKey } from '../exactness/stored-keys.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { attached } from '../support/redis/replication.js';
import { tryOnceMore } from './busy-machine.js';
import {
  askAll,
  HoldsProcess,
  type Answer,
  type HeldPolicies,
  type HoldsSettings,
  type Order,
} from './holds-processes.js';
import { Witness } from './witness.js';

/*
 * Requests of several processes, which end in every way there is while processes and Redis fail. What each was settled with
 * and how many handlers ran at once, a witness sees that is not Redis.
 */

tryOnceMore();

const SLOTS = 24;
const LEASE = 3_000;
const QUOTA = 4_000;
const TENANTS = 5;
const policies = {
  each: { limit: 1_000, window: '1h', lease: LEASE },
  tenant: { limit: QUOTA, window: '1h', algorithm: 'sliding-log', lease: LEASE },
  failures: { limit: 1_000_000, window: '1h', lease: LEASE },
  slots: { algorithm: 'concurrency', limit: SLOTS, lease: LEASE },
} as const satisfies HeldPolicies;

/** In milliseconds: what has not happened by then never will. */
const PATIENCE = 15_000;

const SAVING = ['--appendonly', 'yes', '--appendfsync', 'always'];

let witness: Witness;
/** Where the states are. */
let server: Server;
const started: HoldsProcess[] = [];
const servers: Server[] = [];
const launched = async (kind: Server['kind'], args: string[] = []): Promise<Server> => {
  const launching = await startRedis({ kind, args });
  servers.push(launching);
  return launching;
};
async function stopAll(): Promise<void> {
  for (const each of started.splice(0)) await each.kill();
  closeClients();
  witness?.stop();
  for (const each of servers.splice(0)) await each.stop();
}

const start = async (settings: HoldsSettings): Promise<HoldsProcess> => {
  const process = await HoldsProcess.start(witness, settings);
  started.push(process);
  return process;
};

const upTo = (most: number): number => Math.floor(Math.random() * (most + 1));
const anyOf = <T>(values: readonly T[]): T => values[upTo(values.length - 1)]!;

/** Estimates are too high and too low. Every tenth client goes away, at any moment of its request. */
function orderOf(id: string): Order {
  const route = anyOf(['returns', 'returns', 'returns', 'throws', 'responds', 'streams', 'refused'] as const);
  const isFollowed = route === 'returns' || route === 'throws';
  return {
    id,
    route,
    tenant: `t${Math.min(upTo(TENANTS - 1), upTo(TENANTS - 1))}`,
    estimate: upTo(20),
    used: upTo(40),
    ms: upTo(8),
    leaves: isFollowed && upTo(9) === 0 ? upTo(12) : undefined,
  };
}

function* orders(count: number, prefix = 'r'): Generator<Order> {
  for (let i = 0; i < count; i++) yield orderOf(`${prefix}${i}`);
}

/** Units of each key that Redis knows to be used, also above the limit. */
async function usedOf(name: string, definition: Omit<PolicyDefinition, 'name'>, keys: readonly string[]) {
  const policy = definePolicy({ name, ...definition, limit: 5_000_000 });
  const store = new RedisStore(connectTo(server.url), { timeout: 10_000 });
  const decisions = await Promise.all(
    keys.map(async (key) => [key, (await store.consume([{ policy, key, cost: 0 }]))[0]!] as [string, Decision]),
  );
  return new Map(decisions.map(([key, { remaining }]) => [key, policy.limit - remaining]));
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > PATIENCE) throw new Error(`not within ${PATIENCE} ms: ${String(isSo)}`);
    await sleep(10);
  }
}

/** When nothing is held any more; how long that took, in milliseconds. */
async function untilFree(): Promise<number> {
  const client = connectTo(server.url);
  const store = new RedisStore(client, { timeout: 10_000 });
  const slots = definePolicy({ name: 'slots', ...policies.slots });
  const isHeld = async () => {
    if ((await store.holds(slots, 'all')).length > 0) return true;
    // Where fields have no TTL of their own, the hash stays for a while.
    return isNew(server.kind) && (await everyKey(client)).some(({ key }) => key.endsWith(':holds'));
  };
  const began = performance.now();
  await until(async () => !(await isHeld()));
  return performance.now() - began;
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

/** Whatever happens: every request has an answer, every charge is the one that was settled, and nothing is left. */
async function expectSettled(answers: readonly Answer[]): Promise<void> {
  expect(answers.filter(({ status }) => status === -1)).toEqual([]);
  expect(witness.wrong).toEqual([]);
  const { each, tenant } = policies;
  const used = await usedOf(
    'each',
    each,
    answers.map(({ order }) => order.id),
  );
  const wrong = answers.filter(({ order, by }) => {
    const units = used.get(order.id)!;
    const settled = witness.settled.get(order.id);
    if (units === (settled ?? 0)) return false;
    // What a process held when it was killed keeps its estimate, if it had not settled it by then.
    return !(by.isKilled && (units === order.estimate || units === order.used));
  });
  expect(wrong.map((answer) => [answer, used.get(answer.order.id)])).toEqual([]);

  const names = [...new Set(answers.map(({ order }) => order.tenant))];
  const byTenant = await usedOf('tenant', tenant, names);
  for (const name of names) {
    const own = answers.filter(({ order }) => order.tenant === name);
    const units = own.map(({ order }) => used.get(order.id)!);
    // A process may have been killed between its two settlements.
    const between = own.map(({ order, by }) =>
      by.isKilled && witness.settled.get(order.id) !== used.get(order.id) ? order.estimate + order.used : 0,
    );
    const shortBy = own.map(({ order }, i) => Math.max(0, units[i]! - order.estimate));
    const total = byTenant.get(name)!;
    const isExact = Math.abs(total - sum(units)) <= sum(between);
    expect({ name, total, expected: sum(units), give: sum(between), isExact }).toMatchObject({ isExact: true });
    expect(total - sum(shortBy)).toBeLessThanOrEqual(QUOTA);
  }
}

/** No process may crash, reject what nobody handles, or be held open by what it held. */
async function expectSound(): Promise<string[]> {
  const log: string[] = [];
  for (const each of started.filter(({ isKilled }) => !isKilled)) {
    const ended = await each.end();
    expect(ended).toMatchObject({ unhandled: [], stderr: '' });
    expect(ended.closing).toBeLessThan(2_000);
    log.push(...ended.log);
  }
  started.length = 0;
  return log;
}

/** The newest Redis, whose fields have TTLs of their own, and for less long one whose fields have none. */
const isNew = ({ name, version }: { name: string; version: string }): boolean =>
  name === 'redis' && Number(version.split('.')[0]) >= 8;
const kinds = [serverKinds().find(isNew), serverKinds().find((kind) => !isNew(kind))].flatMap((kind) => kind ?? []);

describe.each(kinds)('four processes on $label', (kind) => {
  beforeEach(async () => {
    witness = await Witness.start();
    server = await launched(kind);
  });
  afterEach(stopAll);

  it('are killed and restarted under load: each charge is settled once, and no slot is lost or held twice', async () => {
    // A busy machine is no fault here.
    const options = { redis: server.url, timeout: 20_000 };
    const launch = (i: number) => start({ adapter: i % 2 === 0 ? 'express' : 'fastify', options, policies });
    const running = await Promise.all([0, 1, 2, 3].map(launch));
    const answers: Answer[] = [];
    const changes: Promise<void>[] = [];
    const replace = async (i: number) => {
      const [old] = running.splice(i, 1);
      await old!.kill();
      running.push(await launch(i));
    };
    await askAll(
      () => running,
      orders(isNew(kind) ? 3_000 : 800),
      64,
      (answer) => {
        answers.push(answer);
        if (answers.length === 300 || answers.length === 700) changes.push(replace(0));
      },
    );
    await Promise.all(changes);
    // Of the processes that were killed.
    await untilFree();

    // One more dies while its handlers run: the slots are free when their leases end, and meanwhile nobody has them.
    const slow = { route: 'returns', tenant: 'slow', ms: 60_000, leaves: undefined } as const;
    const long = (i: number): Order => ({ ...orderOf(`long${i}`), ...slow });
    const [last] = running;
    const waiting = Array.from({ length: 2 * SLOTS }, (_, i) => last!.ask(long(i)));
    await until(() => witness.now === SLOTS);
    running.splice(0, 1);
    await last!.kill();
    answers.push(...(await Promise.all(waiting)));
    const denied = await running[0]!.ask(long(-1));
    expect(denied.status).toBe(429);
    answers.push(denied);
    expect(await untilFree()).toBeLessThan(LEASE + 1_000);
    const next: Order = { ...long(-2), ms: 1 };
    answers.push(await running[0]!.ask(next));
    expect(answers.at(-1)!.status).toBe(200);
    await untilFree();

    const statuses = new Map<number, number>();
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (process.env.CHAOS_SHOW) console.log(Object.fromEntries(statuses), witness.settled.size, witness.most);
    expect(statuses.get(200)).toBeGreaterThan(100);
    expect(witness.most).toBe(SLOTS);
    await expectSettled(answers);
    const failures = [...witness.counted.values()].filter(Boolean).length;
    const counted = (await usedOf('failures', policies.failures, ['all'])).get('all')!;
    const unsure = answers.filter(({ order, by }) => by.isKilled && !witness.counted.has(order.id)).length;
    expect(counted).toBeGreaterThanOrEqual(failures);
    expect(counted).toBeLessThanOrEqual(failures + unsure);
    expect((await everyKey(connectTo(server.url))).filter(({ life }) => life < 0)).toEqual([]);
    expect(await expectSound()).toEqual([]);
  }, 120_000);
});

describe('two processes, when Redis fails between a charge and its settlement', () => {
  /** Long enough for a settlement to be tried again, and again. */
  const lease = 10_000;
  const patient = Object.fromEntries(
    Object.entries(policies).map(([name, policy]) => [name, { ...policy, limit: 5_000_000, lease }]),
  );
  const place = { host: '127.0.0.1', port: 0 };
  let proxy: Proxy;
  let replica: Server;
  beforeAll(async () => {
    witness = await Witness.start();
    // What it has answered it still knows after a crash.
    [server, replica] = await Promise.all([launched(kinds[0]!, SAVING), launched(kinds[0]!, SAVING)]);
    await connectTo(replica.url).replicaof(server.host, server.port);
    await attached(connectTo(replica.url));
    place.port = server.port;
    proxy = await startProxy(place);
    const options = { redis: proxy.url, onStoreFailure: 'closed' } as const;
    await Promise.all(
      (['express', 'fastify'] as const).map((adapter) => start({ adapter, options, policies: patient })),
    );
  }, 60_000);
  afterAll(async () => {
    await stopAll();
    await proxy?.stop();
  });

  let round = 0;
  /** Requests while a fault comes and goes. */
  async function under(fault: () => Promise<unknown>): Promise<Answer[]> {
    const answers: Answer[] = [];
    let isOver = false;
    const prefix = `${++round}.`;
    function* until(): Generator<Order> {
      for (let i = 0; !isOver; i++) yield { ...orderOf(`${prefix}${i}`), tenant: `t${round}`, ms: upTo(60) };
    }
    const asking = askAll(
      () => started,
      until(),
      16,
      (answer) => answers.push(answer),
    );
    await sleep(300);
    await fault();
    await sleep(300);
    isOver = true;
    await asking;
    return answers;
  }

  /** What became of requests, as soon as it is right: each was settled once, or had no answer of Redis. */
  async function expectOnce(answers: readonly Answer[], isRight: (units: number, answer: Answer) => boolean) {
    const wrong = async () => {
      const used = await usedOf(
        'each',
        policies.each,
        answers.map(({ order }) => order.id),
      );
      return answers
        .filter((answer) => !isRight(used.get(answer.order.id)!, answer))
        .map((answer) => [answer, used.get(answer.order.id)]);
    };
    const began = performance.now();
    while ((await wrong()).length > 0 && performance.now() - began < lease) await sleep(50);
    expect(await wrong()).toEqual([]);
    expect(witness.wrong).toEqual([]);
    // A deadline of 250 ms, and a machine that is busy with other things.
    expect(Math.max(...answers.map(({ took }) => took))).toBeLessThan(2_000);
    expect(witness.settled.size).toBeGreaterThan(0);
  }

  const once = (units: number, { order }: Answer): boolean => {
    const settled = witness.settled.get(order.id);
    // If the answer to a charge is lost, the request is refused, and nobody knows whether it was charged.
    return units === (settled ?? 0) || (settled === undefined && units === order.estimate);
  };

  const promote = async () => {
    await server.kill();
    await connectTo(replica.url).replicaof('NO', 'ONE');
    [server, place.port] = [replica, replica.port];
    proxy.cut();
  };
  const repeatedly = async (fault: () => unknown) => {
    for (let i = 0; i < 8; i++) {
      await fault();
      await sleep(60);
    }
  };
  it.each<[string, () => Promise<unknown>]>([
    [
      'frozen for a second',
      () =>
        server
          .freeze()
          .then(() => sleep(1_000))
          .then(() => server.thaw()),
    ],
    [
      'killing its clients',
      () => repeatedly(() => connectTo(server.url).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
    ],
    ['behind a network that cuts connections', () => repeatedly(() => proxy.reset())],
    ['forgetting its scripts', () => repeatedly(() => connectTo(server.url).script('FLUSH'))],
    [
      'killed, and back with its data',
      () =>
        server
          .kill()
          .then(() => sleep(500))
          .then(() => server.restart()),
    ],
  ])('%s: settlements are tried again, and each counts once', async (_, fault) => {
    await expectOnce(await under(fault), once);
  });

  it('empty all at once: what it forgot it does not count', async () => {
    const answers = await under(() => connectTo(server.url).flushall());
    await expectOnce(answers, (units, answer) => units === 0 || once(units, answer));
  });

  it('failed over to a replica: each settlement counts at most once', async () => {
    const answers = await under(promote);
    // The last moments are not replicated.
    await expectOnce(answers, (units, answer) => once(units, answer) || units === 0 || units === answer.order.estimate);
    const log = await expectSound();
    expect(log.filter((line) => line.includes('could not be settled'))).toEqual([]);
  });
});
