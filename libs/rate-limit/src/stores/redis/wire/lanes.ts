import type { Clock } from '../../../core/clock.js';
import { isClusterClient, nameOf, type RedisClient } from '../connection/client.js';
import type { StoreReports } from '../../../core/observer.js';
import { RedisBatches } from './batch.js';
import type { Command } from './command.js';
import { Deadlines } from './deadlines.js';
import { ConsumeScript } from './script.js';
import { RedisServer } from './server.js';
import { slotOf } from './slots.js';

/** In milliseconds: the shortest time between two looks for primaries. Each look is a new connection. */
const LOOK_EVERY = 250;

/**
 * The lanes in which commands wait to be sent (one on a single server, on a Cluster one for each slot in use), and which
 * server answers for a lane.
 */
export class Lanes {
  private readonly script: ConsumeScript;
  private readonly deadlines: Deadlines;
  private readonly lanes = new Map<number, RedisBatches>();
  /** By address. On a Cluster every primary has a clock and a breaker. */
  private readonly servers = new Map<string, RedisServer>();
  /** When the slots were last asked for. */
  private lookedAt = -Infinity;

  /**
   * @param timeout how long a command may take, in milliseconds
   * @param now the clock that judges; absent: Redis'
   */
  constructor(
    private readonly client: RedisClient,
    timeout: number,
    private readonly now: Clock | undefined,
    private readonly reports: StoreReports,
  ) {
    this.deadlines = new Deadlines(timeout);
    this.script = new ConsumeScript(client, now === undefined);
  }

  /** The lane of a key: on a Cluster its slot. */
  of(key: string): number {
    if (!isClusterClient(this.client)) return 0;
    return slotOf((this.client.options?.keyPrefix ?? '') + key);
  }

  /** Which server answers for a lane now: on a Cluster another one may take a slot over. */
  serverOf(lane: number): RedisServer {
    const address = (isClusterClient(this.client) && this.client.slots?.[lane]?.[0]) || '';
    let server = this.servers.get(address);
    if (!server) {
      const name = address ? `Redis at ${address}` : nameOf(this.client);
      server = new RedisServer(name, this.lookForPrimaries, this.reports);
      this.servers.set(address, server);
    }
    return server;
  }

  send<Answer>(lane: number, command: Command<Answer>): Promise<Answer> {
    let batches = this.lanes.get(lane);
    if (!batches) {
      batches = new RedisBatches(this.script, this.deadlines, this.now);
      this.lanes.set(lane, batches);
    }
    batches.add(command);
    return command.answer;
  }

  /** Resolves when every command sent so far is answered, at its deadline at the latest. */
  async settled(): Promise<void> {
    await Promise.all([...this.lanes.values()].map((lane) => lane.settled()));
  }

  /** A Cluster's primary that fails may have been replaced. By itself ioredis looks only every few seconds. */
  private readonly lookForPrimaries = (): void => {
    if (!isClusterClient(this.client) || performance.now() - this.lookedAt < LOOK_EVERY) return;
    this.lookedAt = performance.now();
    this.client.refreshSlotsCache?.();
  };
}
