// Only compiled: whatever an application has of ioredis is a place to keep quota.
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import { RedisStore, type RedisLocation } from 'nestjs-redis-rate-limit';

export const locations = (
  redis: Redis,
  cluster: Cluster,
  one: RedisOptions,
  options: ClusterOptions,
): RedisLocation[] => [redis, cluster, one, { nodes: ['redis://localhost:7000'], options }];

export const stores = (redis: Redis, cluster: Cluster): RedisStore[] => [
  new RedisStore(redis),
  new RedisStore(cluster),
];
