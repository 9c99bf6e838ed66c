import type { StoreUnavailableError } from '../../../core/errors.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { ServerClock } from './clock.js';

/** What is known of one server (the only one, or a Cluster's primary): its clock, and whether to ask it. */
export class RedisServer {
  readonly clock = new ServerClock();
  private readonly breaker = new CircuitBreaker();
  /** Its last failure. */
  private failure: StoreUnavailableError | undefined;

  /**
   * @param name what it is called in messages
   * @param failing called for every failure
   */
  constructor(
    readonly name: string,
    private readonly failing: () => void,
  ) {}

  /** Why not to ask; `undefined`: ask. The caller must ask then, because it may be the one call that tries the server. */
  refusal(): StoreUnavailableError | undefined {
    return this.breaker.mayAsk() ? undefined : this.failure;
  }

  /** The same, for callers that may not ask after all. */
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
