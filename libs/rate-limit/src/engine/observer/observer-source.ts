import { EVENTS, type DecisionEvent, type Observer } from '../../core/observer.js';

/** An observer that also hears of requests as a whole, as only our own do. */
export interface RequestObserver extends Observer {
  /** The hits of a request were decided, in one answer. */
  checked?(events: readonly DecisionEvent[]): void;
}

/** What observers can hear. */
export const HEARD = ['checked', ...EVENTS] as const;
export type Heard = (typeof HEARD)[number];

/** An observer that is there from the beginning, or is made later, as a provider is. */
export interface ObserverSource {
  /** Whether it may have this method. It is asked once, before the limiter opens. */
  hears(event: Heard): boolean;
  /** `undefined` until it is made. */
  current(): RequestObserver | undefined;
}

/** Those of the options. */
export const sourcesOf = ({ observer }: { observer?: Observer | undefined }): ObserverSource[] =>
  observer ? [sourceOf(observer)] : [];

/** The source of an observer that is there. */
export const sourceOf = (observer: RequestObserver): ObserverSource => ({
  hears: (event) => observer[event] !== undefined,
  current: () => observer,
});
