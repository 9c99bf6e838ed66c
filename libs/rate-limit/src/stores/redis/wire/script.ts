import { consumeScript, consumeSha } from './consume.script.js';
import { isClusterClient, type BinaryClient, type RedisClient } from '../connection/client.js';
import type { ServerClock } from './clock.js';
import type { Command } from './command.js';
import { FrameWriter, type Frame } from './frame-writer.js';
import { plainFrame } from './plain-frame.js';
import { PolicyTexts } from './policy-texts.js';

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
   */
  frameOf(commands: readonly Command[], now: number | '', clock: ServerClock | undefined): Frame {
    const at = String(now);
    return plainFrame(commands, this.texts, at, clock) ?? new FrameWriter(commands, this.texts, at, clock);
  }

  /**
   * Runs the script, then calls `answered` or `failed`. Neither may throw. Not async, because a lone request would pay for
   * another promise.
   */
  run(frame: Frame, answered: (reply: unknown) => void, failed: (error: unknown) => void): void {
    const client = this.client as RedisClient & BinaryClient;
    const { keyCount, keysAndArguments } = frame;
    try {
      client.evalshaBuffer(consumeSha, keyCount, ...keysAndArguments).then(answered, (error: unknown) => {
        if (isMissing(error)) this.runText(frame, answered, failed);
        else failed(error);
      });
    } catch (error) {
      failed(error);
    }
  }

  /**
   * After a restart, a failover or SCRIPT FLUSH: nothing ran, so nothing is charged twice. EVAL sends the text, so the
   * script runs whatever happens to the server's cache.
   */
  private runText(
    { keyCount, keysAndArguments }: Frame,
    answered: (reply: unknown) => void,
    failed: (error: unknown) => void,
  ): void {
    try {
      this.load();
      const client = this.client as RedisClient & BinaryClient;
      client.evalBuffer(consumeScript, keyCount, ...keysAndArguments).then(answered, failed);
    } catch (error) {
      failed(error);
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

const isMissing = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT');
