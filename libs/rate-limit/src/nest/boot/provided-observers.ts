import type { ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { EVENTS, type Observer } from '../../core/observer.js';
import { kindOf, oneLine } from '../../core/shown.js';
import type { EventName } from '../../engine/observer/observer-source.js';
import type { Wrapper } from '../plan/classes.js';
import type { LaterObserver, RateLimitSettings } from '../settings.js';
import { RATE_LIMIT_OBSERVER, RATE_LIMIT_SETTINGS } from '../tokens.js';
import { moduleIn } from './module-in.js';

/**
 * An observer that a module provides under `RATE_LIMIT_OBSERVER`. Nest makes it after the limiter, because it may need the
 * limiter itself.
 */
export class ProvidedObserver implements LaterObserver {
  private observer: Observer | undefined;

  constructor(
    private readonly provider: Wrapper,
    private readonly module: string,
  ) {}

  /** Any event: its methods may be fields of the instance, so they are not known yet. */
  receives(event: EventName): boolean {
    return (EVENTS as readonly EventName[]).includes(event);
  }

  current(): Observer | undefined {
    return this.observer;
  }

  /**
   * Takes the observer that Nest has made.
   *
   * @throws RateLimitError `RL_OBSERVER_INVALID`
   */
  begin(): void {
    const { provider } = this;
    if (provider.isTransient || !provider.isDependencyTreeStatic()) {
      throw this.invalid('it is request-scoped or transient, but some events have no request; make it a singleton');
    }
    const made = provider.instance as Observer | undefined;
    if (!EVENTS.some((event) => typeof made?.[event] === 'function')) {
      throw this.invalid(`it has none of ${EVENTS.map((event) => `${event}()`).join(', ')}, got ${kindOf(made)}`);
    }
    this.observer = made;
  }

  private invalid(why: string): RateLimitError {
    return new RateLimitError(
      'RL_OBSERVER_INVALID',
      `the RATE_LIMIT_OBSERVER of ${this.module} cannot be used: ${why}`,
    );
  }
}

/** The observers that modules provide: one each at most. */
export const providedObservers = (modules: ModulesContainer): ProvidedObserver[] =>
  [...modules.values()].flatMap((module) => {
    const provider = module.providers.get(RATE_LIMIT_OBSERVER);
    return provider ? [new ProvidedObserver(provider as Wrapper, oneLine(module.name))] : [];
  });

/**
 * Lets provided observers receive events, once Nest has made all providers.
 *
 * @throws RateLimitError `RL_OBSERVER_INVALID`
 */
export function beginObserving(modules: ModulesContainer): void {
  const settings = moduleIn(modules)?.providers.get(RATE_LIMIT_SETTINGS)?.instance as RateLimitSettings | undefined;
  for (const observer of settings?.provided ?? []) observer.begin();
}
