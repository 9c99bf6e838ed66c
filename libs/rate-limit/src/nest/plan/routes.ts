import type { Type } from '@nestjs/common';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import { RateLimitError } from '../../core/errors.js';
import { isHandler } from '../transports/transports.js';
import { requestedBy, type Handler } from './plan.js';

type Wrapper = ReturnType<DiscoveryService['getControllers']>[number];

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

/**
 * A decorator that would do nothing is a mistake, told at once.
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

/** Written on a route's function: who wraps one, copies what Nest wrote on it, and this beside it. */
const ROUTE_NAME = Symbol.for('nestjs-redis-rate-limit/route');

/** The name of the route that a function serves, also when it wraps the handler or is bound to its controller. */
export const routeNameOf = (handler: Handler): string =>
  (Reflect.getMetadata(ROUTE_NAME, handler) as string | undefined) ?? handler.name.replace(/^(bound )+/, '');

const controllersOf = (discovery: DiscoveryService): Wrapper[] =>
  discovery.getControllers().filter(({ metatype }) => typeof metatype === 'function');

const scanner = new MetadataScanner();

/** Inherited ones too. */
function methodsOf(type: Type): [string, Handler][] {
  const prototype = type.prototype as Record<string, Handler> | undefined;
  if (!prototype) return [];
  return scanner.getAllMethodNames(prototype).map((name) => [name, prototype[name]!]);
}

/**
 * What a controller's routes are filed under: the class's name, and where two classes bear one, the module's before
 * it. Never the url, which has many spellings; the same in every process and after every restart.
 */
function ownersOf(controllers: readonly Wrapper[]): Map<Type, string> {
  const owners = new Map<Type, string>();
  const taken = new Set<string>();
  for (const { metatype, host } of controllers) {
    const controller = metatype as Type;
    if (owners.has(controller)) continue;
    const shared = controllers.some(({ metatype: other }) => other !== controller && other?.name === controller.name);
    const base = shared ? `${host?.name}/${controller.name}` : controller.name;
    let owner = base;
    for (let n = 2; taken.has(owner); n++) owner = `${base}#${n}`;
    taken.add(owner);
    owners.set(controller, owner);
  }
  return owners;
}
