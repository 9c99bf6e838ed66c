import { Scope } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { type Observer } from '../../core/observer.js';
import { oneLine } from '../../core/shown.js';
import { checkObserver } from '../../engine/check-options.js';
import type { ObserverSource } from '../../engine/observer/observer-source.js';
import type { Wrapper } from '../plan/classes.js';
import { RATE_LIMIT_OBSERVER } from '../tokens.js';

/**
 * The observers that are providers of any module. Nest makes them with their dependencies, which may need the limiter,
 * so they are heard from the moment when they are made.
 *
 * @throws RateLimitError `RL_OBSERVER_SCOPED`, `RL_OPTION_INVALID`
 */
export function observersIn(modules: ModulesContainer): ObserverSource[] {
  return providersIn(modules).map(([provider, place]) => {
    refuseScoped(provider, place);
    const isMadeByFactory = provider.isFactory || provider.async;
    if (!isMadeByFactory) checkObserver(classOrValueOf(provider), place);
    return {
      hears: (event) => isMadeByFactory || (classOrValueOf(provider) as Observer)[event as keyof Observer] !== undefined,
      current: () => (isMade(provider) ? (provider.instance as Observer) : undefined),
    };
  });
}

/**
 * Refuses observers that turn out to be request-scoped or useless when Nest has made everything.
 *
 * @throws RateLimitError `RL_OBSERVER_SCOPED`, `RL_OPTION_INVALID`
 */
export function checkObserversMade(modules: ModulesContainer): void {
  for (const [provider, place] of providersIn(modules)) {
    if (!provider.isDependencyTreeStatic()) throw scoped(place, 'needs something that Nest makes for each request');
    if (isMade(provider)) checkObserver(provider.instance ?? null, place);
  }
}

const providersIn = (modules: ModulesContainer): (readonly [Wrapper, string])[] =>
  [...modules.values()].flatMap(({ name, providers }) => {
    const provider = providers.get(RATE_LIMIT_OBSERVER) as Wrapper | undefined;
    return provider ? [[provider, `the observer of ${oneLine(name)}${nameOf(provider)}`] as const] : [];
  });

const nameOf = ({ metatype, isFactory }: Wrapper): string =>
  typeof metatype === 'function' && !isFactory ? ` (${oneLine(metatype.name)})` : '';

/** Methods that are fields of a class are seen only once it is made, so a class without known methods is asked about all. */
const classOrValueOf = ({ metatype, instance }: Wrapper): unknown =>
  typeof metatype === 'function' ? (metatype.prototype as unknown) : instance;

/** Before it makes a provider, Nest puts an empty object in its place. How long the making took is known after it. */
const isMade = ({ metatype, instance, initTime }: Wrapper): boolean =>
  metatype === null || metatype === undefined ? !(instance instanceof Promise) : (initTime as number | undefined) !== undefined;

function refuseScoped({ scope = Scope.DEFAULT }: Wrapper, place: string): void {
  if (scope === Scope.REQUEST) throw scoped(place, 'is request-scoped');
  if (scope === Scope.TRANSIENT) throw scoped(place, 'is transient');
}

const scoped = (place: string, how: string): RateLimitError =>
  new RateLimitError(
    'RL_OBSERVER_SCOPED',
    `${place} ${how}, but one observer hears the events of all requests; make it a provider without a scope`,
  );
