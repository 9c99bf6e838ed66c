import type { Type } from '@nestjs/common';
import type { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../../core/errors.js';
import { decoratedNames } from '../../decorators/metadata.js';
import { RATE_LIMIT_POLICIES } from '../../decorators/rate-limit.decorator.js';
import type { HandlerPlace } from '../../transports/transport.js';
import { isHandler } from '../../transports/transports.js';
import { classesOf, methodsOf } from '../../plan/classes.js';
import { askedByClass, askedByMethod, type Handler } from '../../plan/plan.js';
import { messageKindOf } from './messages.js';

const ALL: readonly HandlerPlace[] = ['controllers', 'providers'];

/**
 * Refuses decorators that would limit nothing.
 *
 * @throws RateLimitError `RL_NOT_A_ROUTE`
 */
export function refuseStrays(discovery: DiscoveryService): void {
  const { controllers, providers } = classesOf(discovery);
  // A class that is a provider may also be a controller.
  const routed = new Set(controllers.map(({ metatype }) => metatype as Type));
  for (const type of routed) refuseIn(type, ALL);
  for (const { metatype } of providers) {
    if (!routed.has(metatype as Type)) refuseIn(metatype as Type, ['providers']);
  }
}

/**
 * The same for guards, interceptors, pipes and filters, and for middleware, which is known after the routes are made.
 *
 * @throws RateLimitError `RL_NOT_A_ROUTE`
 */
export function refuseStraysOutside(modules: ModulesContainer): void {
  for (const { injectables, middlewares } of modules.values()) {
    for (const { metatype } of [...injectables.values(), ...middlewares.values()]) {
      if (typeof metatype === 'function') refuseIn(metatype as Type, []);
    }
  }
}

function refuseIn(type: Type, places: readonly HandlerPlace[]): void {
  const isController = places === ALL;
  const methods = new Map<string | symbol, Handler>(methodsOf(type));
  const isRoute = (method: object): boolean => places.some((place) => isHandler(method, place));
  if (askedByClass(type).requested.length > 0 && ![...methods.values()].some(isRoute)) {
    throw stray(type.name, isController ? 'has no HTTP route' : 'is not a controller');
  }
  const prototype = type.prototype as Record<string | symbol, Handler> | undefined;
  if (!prototype) return;
  // Nest ignores methods whose names are symbols, so they are found by the decorator's records.
  for (const name of new Set([...methods.keys(), ...decoratedNames(RATE_LIMIT_POLICIES, prototype)])) {
    const isSeen = methods.has(name);
    const method = methods.get(name) ?? prototype[name];
    if (typeof method !== 'function' || (isSeen && isRoute(method))) continue;
    if (askedByMethod(type, name, method).requested.length === 0) continue;
    const isHttp = !isController && isHandler(method, 'controllers');
    const why = isHttp
      ? `${type.name} is not a controller of any module`
      : (messageKindOf(method) ?? (isController ? NO_ROUTE : 'is not an HTTP route'));
    throw stray(`${type.name}.${String(name)}`, why);
  }
}

const NO_ROUTE = 'has no @Get() or the like, or a spy or a decorator put another function in its place';

const stray = (place: string, why: string): RateLimitError =>
  new RateLimitError(
    'RL_NOT_A_ROUTE',
    `${place} has @RateLimit but ${why}, so nothing would be limited; call RateLimiter.consume() there instead`,
  );
