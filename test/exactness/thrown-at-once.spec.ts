import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { sharedRedis } from '../support/redis/servers.js';

afterAll(closeClients);

const policy = definePolicy({ name: 'p', limit: 10, window: '1h' });
const boom = (): never => {
  throw new Error('boom');
};

/** A client that calls others in place of its own methods. */
const clientWith = (methods: Record<string, () => unknown>) =>
  new Proxy(connectTo(sharedRedis().url), {
    get(target, name) {
      const value: unknown = methods[name as string] ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

const missing = async (): Promise<never> => {
  throw new Error('NOSCRIPT No matching script');
};

// Else the error would end the process, and the calls would wait for their deadlines.
it.each([
  ['the clock', new RedisStore(clientWith({}), { now: boom })],
  ['EVALSHA', new RedisStore(clientWith({ evalshaBuffer: boom }))],
  ['EVAL', new RedisStore(clientWith({ evalshaBuffer: missing, evalBuffer: boom }))],
  ['SCRIPT LOAD', new RedisStore(clientWith({ evalshaBuffer: missing, evalBuffer: missing, script: boom }))],
])('calls fail if %s throws at once', async (_what, store) => {
  for (let i = 0; i < 3; i++) {
    const failure = await store.consume([{ policy, key: 'k', cost: 1 }]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailableError);
    expect(String(failure)).toMatch(/boom|NOSCRIPT/);
  }
});
