import type { Decision } from '../../core/decision.js';
import type { StoreUnavailableError } from '../../core/errors.js';
import type { Hit } from '../../core/hit.js';
import { EVENTS, type DecisionEvent, type Observer } from '../../core/observer.js';

/** An observer that also hears what only our own do. */
export interface RequestObserver extends Observer {
  /** The hits of a request were decided, in one answer. */
  checked?(events: readonly DecisionEvent[]): void;
  /**
   * The same of a request that was judged by policies, before events are made of it. An observer that has this hears only
   * of other requests by `checked`.
   */
  judged?(hits: readonly Hit[], decisions: readonly Decision[], duration: number): void;
  /** The store did not answer a call. Called for each, unlike `storeFailed`. */
  callFailed?(failure: StoreUnavailableError): void;
  /** Something is held under a policy of this name, from now on and until `holdLeft`. */
  holdKept?(policy: string): void;
  holdLeft?(policy: string): void;
}

/** The events that only our own observers hear. */
const INNER = ['checked', 'judged', 'callFailed', 'holdKept', 'holdLeft'] as const;

/** What observers can hear. */
export const HEARD = [...INNER, ...EVENTS] as const;
export type Heard = (typeof HEARD)[number];

/** An observer that is there from the beginning, or is made later, as a provider is. */
export interface ObserverSource {
  /** Whether it may have this method. It is asked once, before the limiter opens. */
  hears(event: Heard): boolean;
  /** `undefined` until it is made. */
  current(): RequestObserver | undefined;
}

/** Our own if they are on, and that of the options. */
export const sourcesOf = (
  { observer }: { observer?: Observer | undefined },
  ...own: (RequestObserver | undefined)[]
): ObserverSource[] => [...own, observer].filter((each) => each !== undefined).map(sourceOf);

/** The source of an observer that is there. */
export const sourceOf = (observer: RequestObserver): ObserverSource => ({
  hears: (event) => observer[event] !== undefined,
  current: () => observer,
});
