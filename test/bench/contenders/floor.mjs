import { Redis } from 'ioredis';

/** What any counter on Redis costs at the least: one INCR, which limits nothing and never expires. */
async function incr({ url, enableAutoPipelining = false }) {
  const client = new Redis(url, { enableAutoPipelining });
  return {
    decide: (key) => client.incr(key).then(isCount),
    close: () => client.disconnect(),
  };
}

const isCount = (value) => value > 0;

export const incrOneByOne = { id: 'incr', label: 'bare INCR, one by one', kind: 'floor', open: incr };

export const incrPipelined = {
  id: 'incr-pipelined',
  label: 'bare INCR, auto-pipelined',
  kind: 'floor',
  open: (setup) => incr({ ...setup, enableAutoPipelining: true }),
};
