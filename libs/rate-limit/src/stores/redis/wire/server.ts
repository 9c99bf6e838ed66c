import type { StoreUnavailableError } from '../../../core/errors.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { ServerClock } from './clock.js';

/** What is known of one server, a Cluster's primary or the only one: its clock, and whether it is worth asking. */
export class RedisServer {
  readonly clock = new ServerClock();
  private readonly breaker = new CircuitBreaker();
  /** What it failed with last. */
  private failure: StoreUnavailableError | undefined;

  /**
   * @param name what it is called in messages
   * @param failing hears of every failure
   */
  constructor(
    readonly name: string,
    private readonly failing: () => void,
  ) {}

  /** Why not to ask, when there is a reason. Otherwise whoever is told so must ask: it may be his turn to try. */
  refusal(): StoreUnavailableError | undefined {
    return this.breaker.mayAsk() ? undefined : this.failure;
  }

  /** The same without taking a turn. */
  get pause(): StoreUnavailableError | undefined {
    return this.breaker.isPausing ? this.failure : undefined;
  }

  answered(): void {
    this.breaker.answered();
  }

  failed(failure: StoreUnavailableError): void {
    this.failure = failure;
    this.breaker.failed();
    this.failing();
  }
}
