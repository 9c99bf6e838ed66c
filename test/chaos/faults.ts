import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import type { PolicyDefinition } from 'nestjs-redis-rate-limit';
import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { sleepAwake } from '../support/awake.mjs';
import { everyKey } from '../exactness/stored-keys.js';
import { Instances, sumOf, type Load, type Told } from './instances.js';

/** By default, in milliseconds. */
const DEADLINE = 250;
/** What a process may add that is busy itself. The figures that were measured are in docs/reliability.md. */
const SLACK = 150;
/** Of one fault: that Redis is away, that a connection is, and that Redis is back. */
const LINES = 3;
/** What an application says when it starts and closes. */
const USUAL = /Nest application|dependencies initialized|Quotas are kept by|the application closes/;
/** How long a store may take to come back, once Redis can be asked again. */
export const BACK_WITHIN = 2_000;

export interface Fault {
  /** Both may be async. */
  cause(): unknown;
  /** How long it lasts, in milliseconds. */
  span: number;
  undo(): unknown;
}

/** Load from several processes before a fault, while it lasts, while they come back, and after that. */
export async function underLoad(count: number, load: Load, { cause, span, undo }: Fault): Promise<Told[]> {
  const instances = await Instances.start(count, load);
  try {
    instances.begin('before');
    await sleep(500);
    instances.phase('fault');
    await cause();
    await sleep(span);
    await undo();
    instances.phase('coming back');
    await sleepAwake(BACK_WITHIN);
    instances.phase('after');
    await sleep(700);
    return await instances.end();
  } finally {
    instances.kill();
  }
}

/**
 * What holds whatever happens: every request has an answer, soon; no answer is of two minds; nothing is unhandled; one
 * log line when Redis goes away, not one per request; the application closes at once and its process ends.
 */
export function expectSound(told: readonly Told[], { faults = 1 }: { faults?: number } = {}): void {
  const all = sumOf(told);
  expect(all.wrong).toEqual([]);
  expect(all.sent).toBe(all.admitted + all.denied + all.locally + all.refused);
  expect(all.slowestAwake).toBeLessThan(DEADLINE + SLACK);
  for (const { unhandled, stderr, log, closing } of told) {
    expect(unhandled).toEqual([]);
    expect(stderr).toBe('');
    expectFewLines(log, faults);
    expect(closing).toBeLessThan(DEADLINE + SLACK);
  }
}

/** One line that says that Redis is away, for each fault, and not one for each request. */
export function expectFewLines(log: readonly string[], faults = 1): void {
  const unusual = log.filter((line) => !USUAL.test(line));
  const away = unusual.filter((line) => line.includes('Until the store answers'));
  // The lines are only there to be shown.
  const isFew = away.length <= faults && unusual.length <= LINES * faults;
  expect({ isFew, unusual: unusual.slice(0, 50) }).toEqual({ isFew: true, unusual: unusual.slice(0, 50) });
}

/** Redis decides everything again, and nobody else. */
export function expectBack(told: readonly Told[]): void {
  const { admitted, denied, locally, refused } = sumOf(told, 'after');
  // The log is only there to be shown.
  const log = told.map(({ log }) => log);
  expect({ locally, refused, log }).toEqual({ locally: 0, refused: 0, log });
  expect(admitted + denied).toBeGreaterThan(0);
}

/** Where the states are. */
export type States = Redis | Cluster;

/** How many units of a quota Redis knows to be spent. */
export async function usedOf(client: States, definition: PolicyDefinition, key: string): Promise<number> {
  const policy = definePolicy(definition);
  const [decision] = await new RedisStore(client, { timeout: 5_000 }).consume([{ policy, key, cost: 0 }]);
  return policy.limit - decision!.remaining;
}

/** Every key has a TTL. */
export async function expectMortal(client: States): Promise<void> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const keys = (await Promise.all(nodes.map((node) => everyKey(node)))).flat();
  expect(keys.filter(({ life }) => life < 0)).toEqual([]);
}

/** For docs/reliability.md: a line for each fault, in the file that CHAOS_FIGURES names. */
export function note(fault: string, told: readonly Told[], more: Record<string, number> = {}): void {
  const { sent, admitted, denied, locally, refused, waited, wrong, slowest } = sumOf(told);
  const line = {
    fault,
    sent,
    byRedis: admitted + denied,
    locally,
    refused,
    waited,
    wrong: wrong.length,
    slowest,
    ...more,
  };
  if (process.env.CHAOS_FIGURES) appendFileSync(process.env.CHAOS_FIGURES, `${JSON.stringify(line)}\n`);
}
