import { consumeScript, consumeSha } from './consume.script.js';
import { isClusterClient, type BinaryClient, type RedisClient } from '../connection/client.js';
import type { ServerClock } from './clock.js';
import type { Command } from './command.js';
import { FrameWriter } from './frame-writer.js';
import { PolicyTexts } from './policy-texts.js';
import { Reply } from './reply.js';

/** With a clock injected by tests, keys live an hour at least, because Redis expires them by its own clock. */
const SHORTEST_LIFE_IN_TESTS = 3_600_000;

/** Calls the script that runs a batch of commands, and loads it into Redis. */
export class ConsumeScript {
  private loading: Promise<unknown> | undefined;
  private readonly texts: PolicyTexts;

  /** @param judgedByRedis whether Redis' clock decides, and not one injected by tests */
  constructor(
    readonly client: RedisClient,
    judgedByRedis: boolean,
  ) {
    this.texts = new PolicyTexts(judgedByRedis ? 0 : SHORTEST_LIFE_IN_TESTS);
  }

  /**
   * @param now the time to judge by, or '' for the server's
   * @param clock the server's, by which a command may be too late; absent: no command is too late
   * @throws StoreUnavailableError for an unexpected reply, and whatever the client throws
   */
  async run(commands: readonly Command[], now: number | '', clock?: ServerClock): Promise<Reply> {
    const frame = new FrameWriter(commands, this.texts, now, clock);
    return new Reply(await this.call(frame.keyCount, frame.keysAndArguments), frame);
  }

  private async call(keyCount: number, keysAndArguments: readonly string[]): Promise<unknown> {
    const client = this.client as RedisClient & BinaryClient;
    try {
      return await client.evalshaBuffer(consumeSha, keyCount, ...keysAndArguments);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      // A restart, a failover or SCRIPT FLUSH: nothing ran, so nothing is charged twice. EVAL sends the text, so the script
      // runs whatever happens to the server's cache.
      this.load();
      return client.evalBuffer(consumeScript, keyCount, ...keysAndArguments);
    }
  }

  /** Scripts sent by EVAL may be evicted; loaded ones stay. No request waits for this. */
  private load(): void {
    if (this.loading) return;
    const servers = isClusterClient(this.client) ? this.client.nodes('master') : [this.client];
    const loads = servers.map(async (server) => server.script('LOAD', consumeScript));
    this.loading = Promise.allSettled(loads).finally(() => (this.loading = undefined));
  }
}
