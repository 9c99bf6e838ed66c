import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { isHandler } from '../transports/transports.js';
import { controllersOf, methodsOf, type Wrapper } from './controllers.js';
import type { Handler } from './plan.js';
import { ownersOf } from './route-owners.js';

/** A handler that requests reach, and where it lives. */
export interface Route {
  readonly controller: Type;
  readonly name: string;
  readonly handler: Handler;
  /** What quotas of the route's own are filed under. */
  readonly owner: string;
  readonly host: Wrapper['host'];
}

/** Every route of the application. Its function is marked with its name, by which it is known when something wraps it. */
export function routesOf(discovery: DiscoveryService): Route[] {
  const controllers = controllersOf(discovery);
  const owners = ownersOf(controllers);
  return controllers.flatMap(({ metatype, host }) => {
    const controller = metatype as Type;
    return methodsOf(controller)
      .filter(([, handler]) => isHandler(handler))
      .map(([name, handler]) => {
        Reflect.defineMetadata(ROUTE_NAME, name, handler);
        return { controller, name, handler, owner: `@${owners.get(controller)}.${name}`, host };
      });
  });
}

/** Written on a route's function: who wraps one, copies what Nest wrote on it, and this beside it. */
const ROUTE_NAME = Symbol.for('nestjs-redis-rate-limit/route');

/** The name of the route that a function serves, also when it wraps the handler or is bound to its controller. */
export const routeNameOf = (handler: Handler): string =>
  (Reflect.getMetadata(ROUTE_NAME, handler) as string | undefined) ?? handler.name.replace(/^(bound )+/, '');
