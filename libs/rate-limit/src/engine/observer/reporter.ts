import { saidBy } from '../../core/shown.js';
import type { RecurringWarnings } from '../recurring-warnings.js';
import type { EventName, ObserverSource, RequestObserver } from './observer-source.js';

/** In milliseconds. A call this long delays every request of the process. */
const SLOW = 50;

/** What an observer's method receives. */
type EventOf<Name extends EventName> = Parameters<NonNullable<RequestObserver[Name]>>[0];

/**
 * Calls methods of observers. Methods that throw, reject or are slow affect no request. They are only logged, at most once
 * a minute each.
 */
export class Reporter {
  constructor(
    private readonly sources: readonly ObserverSource[],
    private readonly problems: RecurringWarnings,
  ) {}

  /** A function that calls this method of all observers; `undefined` if none has it. */
  to<Name extends EventName>(name: Name): ((event: EventOf<Name>) => void) | undefined {
    const sources = this.sources.filter((source) => source.receives(name));
    if (sources.length === 0) return undefined;
    return (event) => {
      for (const source of sources) {
        const observer = source.current();
        if (observer) this.call(observer, name, event);
      }
    };
  }

  private call<Name extends EventName>(observer: RequestObserver, name: Name, event: EventOf<Name>): void {
    const began = performance.now();
    try {
      // A method may be async, whatever its type says.
      const result: unknown = (observer[name] as ((event: EventOf<Name>) => unknown) | undefined)?.call(
        observer,
        event,
      );
      if (result !== undefined) Promise.resolve(result).catch((error: unknown) => this.threw(name, error));
    } catch (error) {
      this.threw(name, error);
    }
    const took = performance.now() - began;
    if (took < SLOW) return;
    this.problems.warnOnce(
      `slow ${name}`,
      () =>
        `${name}() of the observer took ${Math.round(took)} ms. Nothing else runs meanwhile, so it delays every request: only count there.`,
    );
  }

  private threw(name: EventName, error: unknown): void {
    this.problems.warnOnce(`threw ${name}`, () => `${name}() of the observer threw: ${saidBy(error)}`);
  }
}
