import type { Redis } from 'ioredis';

/** One run of a script: what it was given, and what Redis answered. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly reply: Buffer;
}

type Run = (script: string, keyCount: number, ...keysAndArguments: string[]) => Promise<Buffer>;

/**
 * The same client, through which every run of a script is seen.
 *
 * @param change what is sent in place of the keys and arguments, and when; by default the same, at once
 */
export function recordingScripts(
  client: Redis,
  calls: ScriptCall[],
  change: (keyCount: number, keysAndArguments: string[]) => string[] | Promise<string[]> = (_, same) => same,
): Redis {
  const recorded =
    (run: Run): Run =>
    async (script, keyCount, ...given) => {
      const sent = await change(keyCount, given);
      const reply = await run(script, keyCount, ...sent);
      calls.push({ keys: sent.slice(0, keyCount), args: sent.slice(keyCount), reply });
      return reply;
    };
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const bound = value.bind(target) as Run;
      return name === 'evalshaBuffer' || name === 'evalBuffer' ? recorded(bound) : bound;
    },
  });
}
