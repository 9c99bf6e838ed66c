import type { StoreUnavailableError } from '../../../core/errors.js';
import type { StoreReports } from '../../../core/observer.js';
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
   * @param reports where blocks, batches and pauses are reported
   */
  constructor(
    readonly name: string,
    private readonly failing: () => void,
    readonly reports: StoreReports,
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
    const wasOpen = this.breaker.isOpen;
    this.breaker.answered();
    if (wasOpen) this.report(false);
  }

  failed(failure: StoreUnavailableError): void {
    this.failure = failure;
    const wasOpen = this.breaker.isOpen;
    this.breaker.failed();
    if (!wasOpen && this.breaker.isOpen) this.report(true);
    this.failing();
  }

  private report(isOpen: boolean): void {
    this.reports.breakerChanged?.({ server: this.name, isOpen });
  }
}
