import { Redis } from 'ioredis';
import { attached } from './replication.js';
import { serverKinds, type Server, type StartOptions } from './servers.js';
import { thisRun } from './this-run.js';
import { launchTogether } from './together.mjs';
import { until } from './until.js';

/** A primary with its replicas, and the sentinels that name another primary when it is away. */
export interface Sentinels {
  readonly name: string;
  readonly sentinels: readonly Server[];
  /** The first was the primary at the start. */
  readonly servers: readonly Server[];
  /** Whom the first sentinel names now. */
  primary(): Promise<Server>;
  stop(): Promise<void>;
}

export interface SentinelOptions extends StartOptions {
  sentinels?: number;
  replicas?: number;
  /** How many ms a server does not answer before a sentinel thinks it away. */
  downAfter?: number;
}

const NAME = 'mymaster';

/** `args` are for the servers, not for the sentinels. Whoever starts them stops them. */
export async function startSentinels(options: SentinelOptions = {}): Promise<Sentinels> {
  const { sentinels: count = 3, replicas = 1, downAfter = 1_000, kind = serverKinds()[0]!, args = [] } = options;
  // With a file of its own a server remembers whom it follows, as the sentinels last told it.
  const server = { args: ['--repl-diskless-sync-delay', '0', ...args], hasConfigFile: true };
  const sentinel = { args: ['--sentinel'], hasConfigFile: true };
  const members = [...Array(1 + replicas).fill(server), ...Array(count).fill(sentinel)];
  const { servers: all, stop } = await launchTogether(kind, members, { runDir: thisRun().dir });

  const clients = all.map(({ url }) => new Redis(url));
  for (const client of clients) client.on('error', () => {});
  const watching = clients.slice(1 + replicas);
  try {
    await follow(clients.slice(1, 1 + replicas), all[0]!);
    await Promise.all(watching.map((each) => watch(each, all[0]!, { quorum: Math.min(2, count), downAfter })));
    await Promise.all(watching.map((each) => knowsAll(each, { replicas, sentinels: count })));
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  const [servers, sentinels] = [all.slice(0, 1 + replicas), all.slice(1 + replicas)];
  return { name: NAME, sentinels, servers, primary: () => namedBy(sentinels[0]!, servers), stop };
}

/** Before the sentinels come: they ask a primary for its replicas at once, and then only every ten seconds. */
async function follow(replicas: readonly Redis[], primary: Server): Promise<void> {
  await Promise.all(replicas.map((replica) => replica.replicaof('127.0.0.1', primary.port)));
  await Promise.all(replicas.map(attached));
  await Promise.all(replicas.map((replica) => replica.config('REWRITE')));
}

async function watch(sentinel: Redis, primary: Server, { quorum, downAfter }: Watch): Promise<void> {
  await sentinel.call('SENTINEL', 'MONITOR', NAME, '127.0.0.1', primary.port, quorum);
  const settings = { 'down-after-milliseconds': downAfter, 'failover-timeout': 3_000 };
  for (const [name, value] of Object.entries(settings)) await sentinel.call('SENTINEL', 'SET', NAME, name, value);
}

interface Watch {
  quorum: number;
  downAfter: number;
}

const knowsAll = (sentinel: Redis, { replicas, sentinels }: { replicas: number; sentinels: number }): Promise<void> =>
  until('the sentinels did not come to know each other and the replicas', async () => {
    // "OK 3 usable Sentinels. ..."; an error as long as too few are usable.
    const quorum = String(await sentinel.call('SENTINEL', 'CKQUORUM', NAME).catch((error: unknown) => error));
    const found = (await sentinel.call('SENTINEL', 'REPLICAS', NAME)) as string[][];
    const usable = found.map(fields).filter((each) => each.flags === 'slave' && each['master-link-status'] === 'ok');
    return (quorum.startsWith(`OK ${sentinels} usable`) && usable.length === replicas) || `${quorum}\n${String(found)}`;
  });

/** A map, as the older protocol tells it. */
const fields = (pairs: readonly string[]): Record<string, string> =>
  Object.fromEntries(pairs.flatMap((name, i) => (i % 2 === 0 ? [[name, pairs[i + 1]!]] : [])));

async function namedBy(sentinel: Server, servers: readonly Server[]): Promise<Server> {
  const client = new Redis(sentinel.url, { retryStrategy: () => null });
  client.on('error', () => {});
  try {
    const [host, port] = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string];
    const named = servers.find((server) => String(server.port) === port);
    if (!named) throw new Error(`the sentinel names ${host}:${port}, which is none of the servers`);
    return named;
  } finally {
    client.disconnect();
  }
}
