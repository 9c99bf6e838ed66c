import type { Redis } from 'ioredis';
import { until } from './until.js';

/** Resolves when this replica follows its primary, from the first full copy on. */
export const attached = (replica: Redis): Promise<void> =>
  until('a replica was not attached', async () => {
    const info = await replica.info('replication');
    return info.includes('master_link_status:up') || info;
  });
