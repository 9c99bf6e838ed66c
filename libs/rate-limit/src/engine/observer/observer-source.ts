import type { Decision } from '../../core/decision.js';
import type { StoreUnavailableError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import type { DecisionEvent, Observer } from '../../core/observer.js';

/** An observer of this library, like the metrics. It may have methods that applications do not have. */
export interface RequestObserver extends Observer {
  /** The decisions about a request, all at once. */
  checked?(events: readonly DecisionEvent[]): void;
  /**
   * The decisions of the store about a request, without events: making those costs time. An observer with this method
   * receives only the other decisions by `checked`: those of lists, and looks.
   */
  judged?(hits: readonly Hit[], decisions: readonly Decision[], duration: number): void;
  /** The store did not answer a call. Called for each, unlike `storeFailed`. */
  callFailed?(failure: StoreUnavailableError): void;
  /** A hold under the policy of this name began. */
  holdKept?(policy: string): void;
  /** It ended, in any way. */
  holdLeft?(policy: string): void;
}

/** The name of an event, which is that of the observer's method. */
export type EventName = keyof RequestObserver;

/** An observer that exists already, or that Nest makes later. */
export interface ObserverSource {
  /** Whether the observer may have this method. It is asked once, before the limiter opens. */
  receives(event: EventName): boolean;
  /** The observer; `undefined` until it is made. */
  current(): RequestObserver | undefined;
}

/** The observers of this library that are on, and the one of the options. */
export const sourcesOf = (
  { observer }: { observer?: Observer | undefined },
  ...own: (RequestObserver | undefined)[]
): ObserverSource[] => [...own, observer].filter((each) => each !== undefined).map(sourceOf);

/** The source of an observer that exists already. */
export const sourceOf = (observer: RequestObserver): ObserverSource => ({
  receives: (event) => observer[event] !== undefined,
  current: () => observer,
});
