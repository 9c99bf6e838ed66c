import { RateLimitError } from '../../../core/errors.js';

interface Ioredis {
  readonly Redis: new (options: object) => object;
  readonly Cluster: new (nodes: object[], options: object) => object;
}

/**
 * ioredis is an optional peer: it is loaded only by those who use Redis.
 *
 * @throws RateLimitError `RL_IOREDIS_MISSING`
 */
export async function loadIoredis(): Promise<Ioredis> {
  let module: object;
  try {
    // Within `try`, so that bundlers take it for what may be missing.
    module = await import('ioredis');
  } catch (error) {
    const fix = 'redis is configured but ioredis cannot be loaded; npm install ioredis';
    throw new RateLimitError('RL_IOREDIS_MISSING', fix, { cause: error });
  }
  return classesOf(module);
}

/**
 * Its classes, wherever its version puts them. Up to 5.1 the module is the class Redis, with Cluster as a property; and
 * bundlers and loaders of other kinds put all exports of a CommonJS module into `default`.
 */
function classesOf(module: object): Ioredis {
  for (let exports: unknown = module, depth = 0; exports && depth < 3; depth++) {
    const { Redis = exports, Cluster, default: inner } = exports as Partial<Ioredis> & { default?: unknown };
    if (typeof Redis === 'function' && typeof Cluster === 'function') return { Redis, Cluster } as Ioredis;
    exports = inner;
  }
  throw new RateLimitError(
    'RL_IOREDIS_MISSING',
    'redis is configured, and what is installed as ioredis has no classes Redis and Cluster; npm install ioredis',
  );
}
