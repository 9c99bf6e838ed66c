import type { Type } from '@nestjs/common';
import type { DiscoveryService, ModulesContainer } from '@nestjs/core';
import type { HandlerPlace } from '../transports/transport.js';
import { isHandler } from '../transports/transports.js';
import { classesOf, methodsOf, type Wrapper } from './classes.js';
import { modulePathsOf } from './module-paths.js';
import type { Handler } from './plan.js';
import { ownerOf } from './route-owners.js';

/** A handler that requests reach, and its class. */
export interface Route {
  /** Its class: a controller, or a provider such as a resolver. */
  readonly controller: Type;
  readonly name: string;
  readonly handler: Handler;
  /** What the route's own quotas are filed under. */
  readonly owner: string;
  /** Nest's record of the class, in one of the modules that have it. */
  readonly wrapper: Wrapper;
}

/**
 * Every route of the application. Its function is marked with its name, so that it is recognised after something wraps
 * it.
 *
 * @param application the application's name, if its quotas must be separate from other applications
 */
export function routesOf(discovery: DiscoveryService, modules: ModulesContainer, application?: string): Route[] {
  const { controllers, providers } = classesOf(discovery);
  const handling = [
    ...controllers.map((wrapper) => ({ wrapper, handlers: handlersOf(wrapper, 'controllers') })),
    // Only providers with handlers, such as resolvers.
    ...providers.map((wrapper) => ({ wrapper, handlers: handlersOf(wrapper, 'providers') })),
  ];
  const paths = modulePathsOf(modules);
  const pathsOf = ({ metatype }: Wrapper): string[] =>
    handling
      .filter(({ wrapper }) => wrapper.metatype === metatype)
      .map(({ wrapper: { host } }) => paths.get(host?.metatype) ?? '');
  return handling.flatMap(({ wrapper, handlers }) => {
    const controller = wrapper.metatype as Type;
    const modulePaths = handlers.length > 0 ? pathsOf(wrapper) : [];
    return handlers.map(([name, handler]) => {
      Reflect.defineMetadata(ROUTE_NAME, name, handler);
      const owner = ownerOf(controller, name, handler, modulePaths, application);
      return { controller, name, handler, owner, wrapper };
    });
  });
}

/** A handler, as messages name it. */
export const placeOf = ({ controller, name }: Route): string => `${controller.name}.${name}`;

const handlersOf = ({ metatype }: Wrapper, place: HandlerPlace): [string, Handler][] =>
  methodsOf(metatype as Type).filter(([, method]) => isHandler(method, place));

/** Metadata on a route's function. A wrapper that copies Nest's metadata copies this too. */
const ROUTE_NAME = Symbol.for('nestjs-redis-rate-limit/route');

/** The name of the route that a function serves, also if it wraps the handler or is bound to its controller. */
export const routeNameOf = (handler: Handler): string =>
  (Reflect.getMetadata(ROUTE_NAME, handler) as string | undefined) ?? handler.name.replace(/^(bound )+/, '');

/** The handler's function on the instance that Nest calls, which may have been replaced. */
export function functionOf({ name, handler, wrapper }: Route): Handler {
  const found = (wrapper.instance as Record<string, unknown> | undefined)?.[name];
  return typeof found === 'function' ? (found as Handler) : handler;
}
