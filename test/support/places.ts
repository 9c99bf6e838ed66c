import type { RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { adapters, type Adapter } from './app.js';
import { startRedis, type Server } from './redis/servers.js';

const PLACES = ['in memory', 'in Redis'] as const;
export type Place = (typeof PLACES)[number];

/** Each adapter with each place where an application keeps quotas, for `describe.each`. */
export const everywhere = adapters.flatMap((adapter) => PLACES.map((place): [Adapter, Place] => [adapter, place]));

/**
 * The options of an application that keeps its quotas there, apart from those of others. Call this at the top of a spec: it
 * starts a Redis for the tests.
 */
export function keptIn(): (place: Place) => RateLimitModuleOptions {
  let server: Server | undefined;
  let prefix = 0;
  beforeAll(async () => void (server = await startRedis()));
  afterAll(() => server?.stop());
  return (place) => (place === 'in memory' ? {} : { redis: server!.url, prefix: `app${prefix++}`, timeout: 10_000 });
}
