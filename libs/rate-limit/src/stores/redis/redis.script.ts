import type { Decision } from '../../core/decision.js';
import { StoreUnavailableError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { Policy } from '../../core/policy.js';
import { consumeScript, consumeSha } from './consume.script.js';
import { isClusterClient, type RedisClient } from './redis.client.js';
import type { RedisRequest } from './redis.request.js';

/** What the script replied: the server's clock, and the decisions unless it was too late to charge. */
export interface ScriptReply {
  readonly server: number;
  readonly decisions: Decision[] | undefined;
}

/** The script that judges a batch: its arguments, its reply, and having Redis know it. */
export class ConsumeScript {
  private loading: Promise<unknown> | undefined;

  constructor(private readonly client: RedisClient) {}

  /**
   * @param now the time to judge by, or '' for the server's
   * @param notAfter the server's time past which nothing is charged, or '' for never too late
   * @throws StoreUnavailableError when Redis refuses, and whatever the client throws
   */
  async run(requests: readonly RedisRequest[], now: number | '', notAfter: number | ''): Promise<ScriptReply> {
    const keys = requests.flatMap((request) => request.keys);
    return replyOf(await this.call(keys, [now, notAfter, ...batchOf(requests)]), requests);
  }

  /** Asks for the server's clock, charging nothing. `key` says which server of a Cluster. */
  async readClock(key: string): Promise<number> {
    return replyOf(await this.call([key], ['', '', 0]), []).server;
  }

  private async call(keys: readonly string[], parameters: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.client.evalsha(consumeSha, keys.length, ...keys, ...parameters);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      // A restart, a failover or SCRIPT FLUSH: nothing ran, so nothing is charged twice. With its text the script runs
      // whatever happens to the server's cache meanwhile.
      this.load();
      return this.client.eval(consumeScript, keys.length, ...keys, ...parameters);
    }
  }

  /** Scripts that came by EVAL may be evicted, those that were loaded stay. Nobody waits for it. */
  private load(): void {
    if (this.loading) return;
    const servers = isClusterClient(this.client) ? this.client.nodes('master') : [this.client];
    const loads = servers.map(async (server) => server.script('LOAD', consumeScript));
    this.loading = Promise.allSettled(loads).finally(() => (this.loading = undefined));
  }
}

/** The policies, each once, then the requests: how many hits, then each one's policy by number, and its cost. */
function batchOf(requests: readonly RedisRequest[]): (string | number)[] {
  const numbers = new Map<Policy, number>();
  const policies: (string | number)[] = [];
  const claims: number[] = [];
  for (const { hits } of requests) {
    claims.push(hits.length);
    for (const { policy, cost } of hits) {
      let number = numbers.get(policy);
      if (number === undefined) {
        numbers.set(policy, (number = numbers.size + 1));
        policies.push(policy.algorithm, policy.limit, policy.window, policy.burst);
      }
      claims.push(number, cost);
    }
  }
  return [numbers.size, ...policies, ...claims];
}

function replyOf(reply: unknown, requests: readonly RedisRequest[]): ScriptReply {
  const count = requests.reduce((sum, { hits }) => sum + hits.length, 0);
  if (!Array.isArray(reply) || (reply.length !== 1 && reply.length !== 1 + 4 * count)) {
    throw new StoreUnavailableError('the reply to the script is none of its own: is something between us and Redis?');
  }
  // A client with `stringNumbers` gives text.
  const numbers = reply.map(Number);
  const server = numbers[0]!;
  if (count > 0 && numbers.length === 1) return { server, decisions: undefined };
  const hits = requests.flatMap((request) => request.hits);
  return { server, decisions: hits.map((hit, i) => decisionOf(hit, numbers, 1 + 4 * i)) };
}

const decisionOf = ({ policy }: Hit, numbers: readonly number[], at: number): Decision => ({
  allowed: numbers[at] === 1,
  limit: policy.limit,
  remaining: numbers[at + 1]!,
  resetAfter: numbers[at + 2]!,
  retryAfter: numbers[at + 3]!,
  degraded: false,
});
