import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { isHandler } from '../transports/transports.js';
import { controllersOf, methodsOf } from './controllers.js';
import { requestedBy, type Handler } from './plan.js';

/**
 * Refuses decorators that would limit nothing.
 *
 * @throws RateLimitError `RL_NOT_A_ROUTE`
 */
export function refuseStrays(discovery: DiscoveryService): void {
  for (const { metatype } of controllersOf(discovery)) {
    const controller = metatype as Type;
    const methods = methodsOf(controller);
    if (!methods.some(([, handler]) => isHandler(handler))) refuse(controller.name, controller, 'has no HTTP route');
    refuseMethods(controller, methods);
  }
  for (const { metatype } of discovery.getProviders()) {
    if (typeof metatype !== 'function') continue;
    refuse(metatype.name, metatype, 'is no controller');
    refuseMethods(metatype as Type, methodsOf(metatype as Type));
  }
}

function refuseMethods(type: Type, methods: readonly [string, Handler][]): void {
  for (const [name, method] of methods) {
    if (!isHandler(method)) refuse(`${type.name}.${name}`, method, 'is no HTTP route');
  }
}

function refuse(place: string, target: object, why: string): void {
  if (requestedBy(target).length === 0) return;
  throw new RateLimitError(
    'RL_NOT_A_ROUTE',
    `${place} has @RateLimit but ${why}, so nothing would be limited; call RateLimiter.consume() there instead`,
  );
}
