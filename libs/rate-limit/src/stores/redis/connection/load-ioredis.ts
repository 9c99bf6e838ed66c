import { RateLimitError } from '../../../core/errors.js';

interface Ioredis {
  readonly Redis: new (options: object) => object;
  readonly Cluster: new (nodes: object[], options: object) => object;
}

/**
 * Loads ioredis. It is an optional peer dependency, so it is loaded only if Redis is used.
 *
 * @throws RateLimitError `RL_IOREDIS_MISSING`
 */
export async function loadIoredis(): Promise<Ioredis> {
  let module: object;
  try {
    // Inside `try`, so that bundlers accept that the package may be missing.
    module = await import('ioredis');
  } catch (error) {
    const fix = 'redis is set, but the package ioredis cannot be loaded; run npm install ioredis';
    throw new RateLimitError('RL_IOREDIS_MISSING', fix, { cause: error });
  }
  return classesOf(module);
}

/**
 * Finds its classes. Up to ioredis 5.1 the module itself is the class Redis, with Cluster as a property. Some bundlers
 * and loaders put all exports of a CommonJS module into `default`.
 */
function classesOf(module: object): Ioredis {
  for (let exports: unknown = module, depth = 0; exports && depth < 3; depth++) {
    const { Redis = exports, Cluster, default: inner } = exports as Partial<Ioredis> & { default?: unknown };
    if (typeof Redis === 'function' && typeof Cluster === 'function') return { Redis, Cluster } as Ioredis;
    exports = inner;
  }
  throw new RateLimitError(
    'RL_IOREDIS_MISSING',
    'redis is set, but the installed package ioredis has no classes Redis and Cluster; run npm install ioredis',
  );
}
