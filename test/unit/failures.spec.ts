import { asUnavailable, tooSlow, withFix } from '../../libs/rate-limit/src/stores/redis/redis.failures.js';

describe('why Redis cannot decide', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'connect to the primary'],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:66.", 'raise maxmemory'],
    // As Redis 6 tells it.
    [
      "ERR Error running script (call to f_1f): @user_script:66: @user_script: 66: -OOM command not allowed when used memory > 'maxmemory'.",
      'raise maxmemory',
    ],
    ['LOADING Redis is loading the dataset in memory', 'answers when it has'],
    ['BUSY Redis is busy running a script.', 'SCRIPT KILL ends it'],
    ['NOAUTH Authentication required.', 'give username and password'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'check username and password'],
    ["NOPERM User limiter has no permissions to run the 'evalsha' command", 'docs/redis.md lists'],
    ['CLUSTERDOWN Hash slot not served', 'see CLUSTER INFO'],
    ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist", 'see its log'],
    ['MOVED 3999 127.0.0.1:6381', 'connect with { nodes: [...] }'],
  ])('%s: the fix is told', (message, fix) => {
    const { detail, cause } = asUnavailable(new Error(message));
    expect(detail).toContain(`Redis cannot decide: ${message}`);
    expect(detail).toContain(fix);
    expect(cause).toEqual(new Error(message));
  });

  it.each(['ERR unknown command', 'BUSYGROUP Consumer Group name already exists', 'it said OOM'])(
    '%s: told as it is',
    (message) => expect(withFix(message)).toBe(message),
  );

  it('a connection that is down is told so, and not in the words of a queue', () => {
    const words = [
      "Stream isn't writeable and enableOfflineQueue options is false",
      'Connection is closed.',
      'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
      "Cluster isn't ready and enableOfflineQueue options is false",
    ];
    for (const word of words) expect(asUnavailable(new Error(word)).detail).toBe('Redis is not connected');
    expect(asUnavailable(new Error(words[0]), '', 'connect').detail).toMatch(/is not ready: it is reading its data/);
    expect(asUnavailable(new Error(words[1]), '', 'end').detail).toMatch(/see its retryStrategy/);
  });

  it('a node of a Cluster is named', () => {
    expect(asUnavailable(new Error('Connection is closed.'), '10.0.0.5:6379').detail).toBe(
      'Redis at 10.0.0.5:6379 is not connected',
    );
    expect(tooSlow('10.0.0.5:6379').detail).toBe('Redis at 10.0.0.5:6379 gave no answer in time');
  });

  it('what is such an error already stays the same', () => {
    const error = tooSlow();
    expect(asUnavailable(error)).toBe(error);
  });
});
