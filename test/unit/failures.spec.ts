import { nameOf, type RedisClient } from '../../libs/rate-limit/src/stores/redis/connection/client.js';
import {
  asUnavailable,
  noteTold,
  tooSlow,
  withFix,
} from '../../libs/rate-limit/src/stores/redis/connection/failures.js';

const clientOf = (status: string, options: object = {}) => ({ status, options }) as unknown as RedisClient;
const NAME = 'Redis at 10.0.0.5:6379';

describe('why Redis cannot decide', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'connect to the primary'],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:66.", 'raise maxmemory'],
    // As Redis 6 tells it.
    [
      "ERR Error running script (call to f_1f): @user_script:66: @user_script: 66: -OOM command not allowed when used memory > 'maxmemory'.",
      'raise maxmemory',
    ],
    ['LOADING Redis is loading the dataset in memory', 'answers when that is done'],
    ['BUSY Redis is busy running a script.', 'end it with SCRIPT KILL'],
    ['NOAUTH Authentication required.', 'set username and password'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'check username and password'],
    ["NOPERM User limiter has no permissions to run the 'evalsha' command", 'docs/redis.md lists those'],
    ['CLUSTERDOWN Hash slot not served', 'see CLUSTER INFO'],
    ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist", 'see its log'],
    ['MOVED 3999 127.0.0.1:6381', 'connect with { nodes: [...] }'],
    // Of a Cluster client, which knows what it is connected to.
    ['Too many Cluster redirections. Last error: ReplyError: MOVED 3999 127.0.0.1:6381', 'a slot is being moved'],
    ['Too many Cluster redirections. Last error: ReplyError: ASK 3999 127.0.0.1:6381', 'a slot is being moved'],
    ['Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN The cluster is down', 'see CLUSTER INFO'],
  ])('%s: the fix is told', (message, fix) => {
    const { detail, cause } = asUnavailable(new Error(message), clientOf('ready'), NAME);
    expect(detail).toMatch(/^Redis at 10\.0\.0\.5:6379 cannot decide: /);
    expect(detail).toContain(fix);
    expect(cause).toEqual(new Error(message));
  });

  it.each(['ERR unknown command', 'BUSYGROUP Consumer Group name already exists', 'it said OOM'])(
    '%s: told as it is',
    (message) => expect(withFix(message)).toBe(message),
  );

  it('where in our script it was is left out, and so is a full stop before another', () => {
    expect(withFix("ERR user_script:428: -READONLY You can't write. script: 80a68f, on @user_script:428.")).toMatch(
      /\(READONLY You can't write\)$/,
    );
    expect(withFix('ERR DB index is out of range')).toMatch(/^ioredis uses database 0 instead; .*\(ERR DB index/);
  });

  it('a connection that is down is told so, with the reason, and not in the words of a queue', () => {
    const words = [
      "Stream isn't writeable and enableOfflineQueue options is false",
      'Connection is closed.',
      'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
      "Cluster isn't ready and enableOfflineQueue options is false",
    ];
    const told = (client: RedisClient, word = words[0]) => asUnavailable(new Error(word), client, NAME).detail;
    const client = clientOf('reconnecting');
    for (const word of words) expect(told(client, word)).toBe(`${NAME} is not connected`);
    noteTold(client, 'connect ECONNREFUSED');
    expect(told(client)).toBe(`${NAME} is not connected: connect ECONNREFUSED`);
    expect(told(clientOf('connect'))).toMatch(/is not ready: it is loading its data/);
    const refused = clientOf('connect');
    noteTold(refused, withFix('WRONGPASS invalid username-password pair or user is disabled.'));
    expect(told(refused)).toMatch(/is not ready: check username and password \(WRONGPASS .* disabled\)$/);
    expect(told(clientOf('end'))).toMatch(/the client was closed, or its retryStrategy gave up$/);
  });

  it('a server that is slow is told so, with the time it had', () => {
    expect(tooSlow(NAME, 250).detail).toMatch(/^Redis at 10\.0\.0\.5:6379 gave no answer in 250 ms \(/);
  });

  it('what is such an error already stays the same', () => {
    const error = tooSlow(NAME, 250);
    expect(asUnavailable(error, clientOf('ready'), NAME)).toBe(error);
  });

  it.each([
    [{ host: 'h', port: 6379, password: 'secret' }, 'Redis at h:6379'],
    [{ path: '/run/redis.sock', host: 'h', port: 1 }, 'Redis at /run/redis.sock'],
    [{ sentinels: [{ host: 's', port: 1 }], name: 'main', host: 'h', port: 1 }, 'Redis main of Sentinel'],
    [{}, 'Redis'],
  ])('a client of %j is called %s', (options, name) => expect(nameOf(clientOf('ready', options))).toBe(name));
});
