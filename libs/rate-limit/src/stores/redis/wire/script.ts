import { algorithmOf } from '../../../core/algorithms/index.js';
import type { Decision } from '../../../core/decision.js';
import { StoreUnavailableError } from '../../../core/errors.js';
import type { Policy } from '../../../core/policy.js';
import { consumeScript, consumeSha } from './consume.script.js';
import { isClusterClient, type BinaryClient, type RedisClient } from '../connection/client.js';
import { blockKey } from './keys.js';
import type { RedisRequest } from './request.js';

/** What the script replied. */
export interface ScriptReply {
  /** The server's clock, in milliseconds. */
  readonly server: number;
  /** Whether the requests were judged; else it was too late to charge. */
  readonly inTime: boolean;
  /** The decisions of the next request, called once for each, in order. */
  next(request: RedisRequest): Decision[];
}

/** Under a clock that tests inject keys live an hour at least: Redis expires them by its own. */
const SHORTEST_LIFE_IN_TESTS = 3_600_000;

const BYTES_PER_NUMBER = 8;
const NUMBERS_PER_HIT = 3;

/** The script that judges a batch: its arguments, its reply, and having Redis know it. */
export class ConsumeScript {
  private loading: Promise<unknown> | undefined;
  private readonly shortestLife: number;
  private readonly policyTexts = new WeakMap<Policy, readonly string[]>();

  /** @param judgedByRedis whether its clock decides, and not one that tests inject */
  constructor(
    readonly client: RedisClient,
    judgedByRedis: boolean,
  ) {
    this.shortestLife = judgedByRedis ? 0 : SHORTEST_LIFE_IN_TESTS;
  }

  /**
   * @param now the time to judge by, or '' for the server's
   * @param notAfter the server's time past which nothing is charged, or '' for never too late
   * @throws StoreUnavailableError when Redis refuses, and whatever the client throws
   */
  async run(requests: readonly RedisRequest[], now: number | '', notAfter: number | ''): Promise<ScriptReply> {
    const args: string[] = [];
    let blocks = 0;
    for (const request of requests) {
      for (const key of request.keys) args.push(key);
      blocks += request.blocks;
    }
    const hits = args.length;
    if (blocks > 0) args.push(...blockKeysOf(requests).reverse());
    args.push(String(notAfter), String(now));
    this.writeBatch(requests, args);
    return new BinaryReply(await this.call(hits + blocks, args), NUMBERS_PER_HIT * hits + blocks);
  }

  /** Asks for the server's clock, charging nothing. `key` says which server of a Cluster. */
  async readClock(key: string): Promise<number> {
    return new BinaryReply(await this.call(1, [key, '', '']), 0).server;
  }

  private async call(keyCount: number, keysAndArguments: readonly string[]): Promise<unknown> {
    const client = this.client as RedisClient & BinaryClient;
    try {
      return await client.evalshaBuffer(consumeSha, keyCount, ...keysAndArguments);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      // A restart, a failover or SCRIPT FLUSH: nothing ran, so nothing is charged twice. With its text the script runs
      // whatever happens to the server's cache meanwhile.
      this.load();
      return client.evalBuffer(consumeScript, keyCount, ...keysAndArguments);
    }
  }

  /** Scripts that came by EVAL may be evicted, those that were loaded stay. Nobody waits for it. */
  private load(): void {
    if (this.loading) return;
    const servers = isClusterClient(this.client) ? this.client.nodes('master') : [this.client];
    const loads = servers.map(async (server) => server.script('LOAD', consumeScript));
    this.loading = Promise.allSettled(loads).finally(() => (this.loading = undefined));
  }

  /** The policies, each once, then the requests, those that are alike and follow one another in one run. */
  private writeBatch(requests: readonly RedisRequest[], args: string[]): void {
    const policies: Policy[] = [];
    const runs: (string | number)[] = [];
    let first: RedisRequest | undefined;
    let length = 0;
    let lengthAt = 0;
    for (const request of requests) {
      if (first?.isLike(request)) {
        runs[lengthAt] = ++length;
        continue;
      }
      first = request;
      length = 1;
      const { blocks, imposes } = request;
      lengthAt = runs.push(length, blocks > 0 ? -request.hits.length : request.hits.length) - 2;
      for (const { policy, cost } of request.hits) {
        let place = policies.indexOf(policy);
        if (place < 0) {
          place = policies.push(policy) - 1;
          args.push(...this.textsOf(policy));
        }
        runs.push(place + 1, cost);
        if (blocks > 0) runs.push(policy.blocks ? `${imposes} ${this.shortestLife} ${policy.blocks.text}` : '');
      }
    }
    // What is most common needs no words: requests for one unit of the only policy.
    const isPlain = runs.length === 4 && runs[1] === 1 && runs[3] === 1;
    if (!isPlain) for (const number of runs) args.push(String(number));
  }

  private textsOf(policy: Policy): readonly string[] {
    let texts = this.policyTexts.get(policy);
    if (!texts) {
      const { algorithm, limit, window, burst } = policy;
      const longest = algorithmOf(algorithm).longestLifetime(policy);
      const life = Math.max(this.shortestLife, longest);
      texts = [algorithm, ...[limit, window, burst, life].map(String)];
      this.policyTexts.set(policy, texts);
    }
    return texts;
  }
}

/** In the order of the hits. */
const blockKeysOf = (requests: readonly RedisRequest[]): string[] =>
  requests.flatMap(({ hits, keys }) => keys.filter((_, i) => hits[i]!.policy.blocks).map(blockKey));

/** Read straight from the bytes: a number costs Redis a fifth of what it costs as one of its own, and us less still. */
class BinaryReply implements ScriptReply {
  readonly server: number;
  readonly inTime: boolean;
  private readonly bytes: Buffer;
  private at = BYTES_PER_NUMBER;

  constructor(reply: unknown, numbers: number) {
    const size = Buffer.isBuffer(reply) ? reply.length : 0;
    const full = BYTES_PER_NUMBER * (1 + numbers);
    if (size !== full && size !== BYTES_PER_NUMBER) {
      throw new StoreUnavailableError('the reply to the script is none of its own: is something between us and Redis?');
    }
    this.bytes = reply as Buffer;
    this.server = this.bytes.readDoubleLE(0);
    this.inTime = size === full;
  }

  next({ hits }: RedisRequest): Decision[] {
    const decisions: Decision[] = [];
    for (let i = 0; i < hits.length; i++) {
      const retryAfter = this.bytes.readDoubleLE(this.at + 16);
      decisions.push({
        allowed: retryAfter === 0,
        limit: hits[i]!.policy.limit,
        remaining: this.bytes.readDoubleLE(this.at),
        resetAfter: this.bytes.readDoubleLE(this.at + 8),
        retryAfter,
        by: 'store',
      });
      this.at += NUMBERS_PER_HIT * BYTES_PER_NUMBER;
      if (hits[i]!.policy.blocks) this.addBlock(decisions);
    }
    return decisions;
  }

  /** The fourth number of a hit whose policy blocks. */
  private addBlock(decisions: Decision[]): void {
    const blockedFor = this.bytes.readDoubleLE(this.at);
    if (blockedFor > 0) decisions.push({ ...decisions.pop()!, blockedFor });
    this.at += BYTES_PER_NUMBER;
  }
}
