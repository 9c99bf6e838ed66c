import type { ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { EVENTS, type Observer } from '../../core/observer.js';
import { kindOf, oneLine } from '../../core/shown.js';
import type { Heard } from '../../engine/observer/observer-source.js';
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

  /** It is unknown which methods it will have: they may be fields of the instance. */
  hears(event: Heard): boolean {
    return (EVENTS as readonly Heard[]).includes(event);
  }

  current(): Observer | undefined {
    return this.observer;
  }

  /**
   * Nest has made it.
   *
   * @throws RateLimitError `RL_OBSERVER_INVALID`
   */
  begin(): void {
    const { provider } = this;
    if (provider.isTransient || !provider.isDependencyTreeStatic()) {
      throw this.invalid(
        'it is request-scoped or transient, but events also come without a request; make it a singleton',
      );
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

/** Those of all modules, each of which may provide one. */
export const providedObservers = (modules: ModulesContainer): ProvidedObserver[] =>
  [...modules.values()].flatMap((module) => {
    const provider = module.providers.get(RATE_LIMIT_OBSERVER);
    return provider ? [new ProvidedObserver(provider as Wrapper, oneLine(module.name))] : [];
  });

/**
 * Lets them hear, once all providers are made.
 *
 * @throws RateLimitError `RL_OBSERVER_INVALID`
 */
export function beginObserving(modules: ModulesContainer): void {
  const settings = moduleIn(modules)?.providers.get(RATE_LIMIT_SETTINGS)?.instance as RateLimitSettings | undefined;
  for (const observer of settings?.provided ?? []) observer.begin();
}
