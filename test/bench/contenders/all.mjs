/** Where each contender is. Only that file is loaded: none runs on a heap that is full of the others' packages. */
const FILES = {
  './floor.mjs': ['incr', 'incr-pipelined'],
  './nest-lab.mjs': ['nest-lab'],
  './rate-limiter-flexible.mjs': ['flexible', 'flexible-blocking'],
  './rate-limit-redis.mjs': ['rate-limit-redis', 'rate-limit-redis-pipelined'],
  './memory.mjs': ['known', 'throttler-memory', 'flexible-memory', 'express-memory'],
  './ours.mjs': ['fixed-window', 'sliding-window', 'sliding-log', 'token-bucket', 'gcra'],
};

/** A contender by its id. */
export async function contenderOf(id) {
  const [file] = Object.entries(FILES).find(([, ids]) => ids.includes(id)) ?? [];
  if (!file) throw new Error(`there is no contender "${id}"`);
  return Object.values(await import(file)).find((contender) => contender.id === id);
}
