import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import type { HandlerPlace } from '../transports/transport.js';
import { isHandler } from '../transports/transports.js';
import { classesOf, methodsOf } from './classes.js';
import { requestedBy } from './plan.js';

/**
 * Refuses decorators that would limit nothing.
 *
 * @throws RateLimitError `RL_NOT_A_ROUTE`
 */
export function refuseStrays(discovery: DiscoveryService): void {
  const { controllers, providers } = classesOf(discovery);
  for (const { metatype } of controllers) refuseIn(metatype as Type, 'controllers', 'has no HTTP route');
  for (const { metatype } of providers) refuseIn(metatype as Type, 'providers', 'is no controller');
}

function refuseIn(type: Type, place: HandlerPlace, why: string): void {
  const methods = methodsOf(type);
  if (!methods.some(([, method]) => isHandler(method, place))) refuse(type.name, type, why);
  for (const [name, method] of methods) {
    // A class may be both, a controller and a provider.
    if (!isHandler(method, 'controllers') && !isHandler(method, 'providers')) {
      refuse(`${type.name}.${name}`, method, 'is no HTTP route');
    }
  }
}

function refuse(place: string, target: object, why: string): void {
  if (requestedBy(target).length === 0) return;
  throw new RateLimitError(
    'RL_NOT_A_ROUTE',
    `${place} has @RateLimit but ${why}, so nothing would be limited; call RateLimiter.consume() there instead`,
  );
}
