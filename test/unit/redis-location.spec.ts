import { targetOf } from '../../libs/rate-limit/src/stores/redis/connection/location.js';

const HERE = { host: '10.0.0.1' };

describe('what the option redis says, as ioredis needs it', () => {
  it.each<[string, unknown, object]>([
    ['a url', 'redis://h:1/2', { host: 'h', port: 1, db: 2 }],
    ['a url between white space', ' redis://h:1\r\n', { host: 'h', port: 1 }],
    ['a url of TLS', 'rediss://h', { host: 'h', tls: {} }],
    ['a url of TLS that says otherwise', 'rediss://h?tls=false', { host: 'h', tls: {} }],
    ['a url with an encoded password', 'redis://me:a%40b%2Fc@h', { host: 'h', username: 'me', password: 'a@b/c' }],
    ['a url of IPv6', 'redis://[::1]:1/', { host: '::1', port: 1 }],
    [
      'a url with parameters',
      'redis://h?connectTimeout=500&family=6&lazyConnect=false&foo=bar',
      { host: 'h', connectTimeout: 500, family: 6, lazyConnect: false, foo: 'bar' },
    ],
    ['a socket', '/run/redis.sock?db=2', { path: '/run/redis.sock', db: 2 }],
    [
      'numbers and booleans as text',
      { ...HERE, port: ' 6380 ', db: '0', family: '4', tls: 'false', lazyConnect: 'true', socketTimeout: '900' },
      { ...HERE, port: 6380, db: 0, family: 4, tls: false, lazyConnect: true, socketTimeout: 900 },
    ],
    ['a password of digits', { ...HERE, password: 1234 }, { ...HERE, password: '1234' }],
    // They would take the place of what makes the connection safe.
    [
      'options that are not set',
      { ...HERE, port: undefined, autoResendUnfulfilledCommands: undefined, db: null },
      HERE,
    ],
    ['null where it means something', { ...HERE, maxRetriesPerRequest: null }, { ...HERE, maxRetriesPerRequest: null }],
    // ioredis takes a text for a sentinel of this machine, and leaves TLS out.
    [
      'sentinels as text, and TLS',
      { sentinels: ['a:1', 'redis://b:2', { host: 'c', port: '3' }], name: 'm', tls: true },
      {
        sentinels: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 3 },
        ],
        name: 'm',
        tls: {},
        enableTLSForSentinelMode: true,
      },
    ],
  ])('%s', (_what, redis, options) => {
    expect(targetOf(redis)).toEqual({ options });
  });

  it('all nodes of a Cluster are entered like those that are given', () => {
    expect(targetOf({ nodes: ['rediss://me:hush@a:1', 'b:2'], options: { slotsRefreshTimeout: '900' } })).toEqual({
      nodes: [
        { host: 'a', port: 1, username: 'me', password: 'hush', tls: {} },
        { host: 'b', port: 2 },
      ],
      clusterOptions: { slotsRefreshTimeout: 900 },
      redisOptions: { username: 'me', password: 'hush', tls: {} },
    });
  });
});

describe('what is refused, with the option, the value and no password', () => {
  it.each<[string, unknown, string]>([
    [
      'a template without its variables',
      'redis://${HOST}:6379',
      "the redis url's host must be a name or an address alone",
    ],
    ['a url without a host', 'redis://', 'got ""; is an environment variable missing?'],
    ['a url without a host, with a password', 'redis://:hush', 'got "redis://:***"'],
    ['a url whose host was forgotten', 'redis://:a@b/hush', 'got "redis://***@b/***"'],
    ['several urls', 'redis://a,redis://b', 'it is a list; give { nodes: [...] } or { sentinels: [...], name }'],
    ['a url in quotes', '"redis://h"', 'remove the quotes'],
    ['a socket as a url', 'unix:///run/redis.sock', 'for a socket pass only its path'],
    ['a host that is a url', { host: 'redis://:hush@h' }, 'got "redis://***@h"'],
    ['a host that was not set', { host: 'undefined' }, 'redis.host must be a name or an address alone'],
    ['a host and port in one', { host: 'h:6379' }, 'redis.host must be'],
    [
      'a port of Kubernetes',
      { ...HERE, port: 'tcp://10.0.0.1:6379' },
      'redis.port must be a whole number from 1 to 65535',
    ],
    ['a password that is none', { ...HERE, password: { hush: 'hush' } }, 'redis.password must be text, got object'],
    ['TLS by an empty variable', { ...HERE, tls: '' }, 'redis.tls must be true, false, or an object'],
    [
      'an option of node-redis',
      { socket: { host: 'h' } },
      'ioredis has no option "socket"; put host, port, path and tls',
    ],
    [
      'a strategy as text',
      { ...HERE, retryStrategy: '500' },
      'redis.retryStrategy must be a function, or null, got "500"',
    ],
    ['a connection that monitors', { ...HERE, monitor: true }, 'redis.monitor must be left out'],
    ['sentinels as one text', { sentinels: 'a:1,b:2', name: 'm' }, 'redis.sentinels must be a list like'],
    ['nodes in one text', { nodes: ['a:1,b:2'] }, "redis.nodes[0] must be { host, port }, 'host:port' or a url"],
    ['a node without a port', { nodes: [{ ...HERE, port: NaN }] }, 'redis.nodes[0].port must be a whole number'],
    [
      'options of nodes',
      { nodes: ['a'], options: { redisOptions: { db: NaN } } },
      'redis.options.redisOptions.db must be',
    ],
    [
      'a client of node-redis',
      new (class Commander {
        evalSha() {}
      })(),
      'this is a client of node-redis',
    ],
  ])('%s', (_what, redis, message) => {
    const refusal = (): unknown => targetOf(redis);
    expect(refusal).toThrow(message);
    expect(refusal).toThrow(/^RL_REDIS_INVALID: (?!.*hush)/);
  });
});
