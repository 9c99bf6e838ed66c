import { Req, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RateLimitError } from '../../core/errors.js';
import { messageKindOf } from '../boot/mistakes/messages.js';
import { functionOf, placeOf, type Route } from '../plan/routes.js';
import { isEndingBound, markEndingBound } from './bound-handlers.js';
import { watchedCallOf } from './watched-call.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Requests of handlers that Nest is about to call. */
const arriving = new WeakSet<object>();

/**
 * Stands at the end of a handler's guards: what refuses a call behind it is a pipe or an interceptor. An object and not a
 * class, of which Nest would make an instance by itself.
 */
const behindGuards: CanActivate = {
  canActivate(context: ExecutionContext) {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<unknown>();
    if (typeof request !== 'object' || request === null) return true;
    arriving.add(request);
    watchedCallOf(request)?.passGuards();
    return true;
  },
};

/**
 * Binds the end of calls to just these handlers; all others stay as they are. Each of their functions gets another one in
 * its place, with the same metadata, which knows when the handler starts and ends.
 *
 * It finds the call by its request, for which the handler gets one more parameter. AsyncLocalStorage would do without, but
 * before Node.js 24 its first use makes every promise of the process slower.
 *
 * Call it after all other guards are bound.
 *
 * @throws RateLimitError `RL_HANDLER_UNKNOWN` for a handler that cannot be bound
 */
export function bindEnding(routes: readonly Route[]): void {
  for (const route of routes) {
    const prototype = route.controller.prototype as Record<string, Method>;
    const home = homeOf(prototype, route.name);
    if (!isEndingBound(prototype[route.name]!)) {
      refuseMessages(route, home);
      const index = argumentCount(home.constructor, route.name);
      Req()(home, route.name, index);
      replace(home, route, index);
    }
    checkArguments(route, prototype);
  }
}

/**
 * Does the same for functions that instances have in place of their class's handlers, because a constructor bound them or
 * a test put doubles there. Call it when all instances are made, right before Nest makes the routes from them.
 *
 * @throws RateLimitError `RL_HANDLER_UNKNOWN` for a handler that cannot be bound
 */
export function bindEndingToInstances(routes: readonly Route[]): void {
  for (const route of routes) {
    const instance = route.wrapper.instance as object | undefined;
    if (!instance) continue;
    if (!isEndingBound(functionOf(route))) {
      const { constructor } = homeOf(route.controller.prototype as object, route.name);
      replace(instance, route, argumentCount(constructor, route.name) - 1);
      if (!isEndingBound(functionOf(route))) throw unknown(route, 'its instance returns another function each time');
    }
    checkArguments(route, instance);
  }
}

/** Puts a function that knows of calls in a handler's place, in an object that has it or inherits it. */
function replace(owner: object, route: Route, index: number): void {
  const inner = (owner as Record<string, Method>)[route.name]!;
  const outer = knowing(inner, index);
  UseGuards(behindGuards)(owner, route.name, { value: outer });
  markEndingBound(outer);
  try {
    const own = Object.getOwnPropertyDescriptor(owner, route.name);
    Object.defineProperty(owner, route.name, { configurable: true, writable: true, ...own, value: outer });
  } catch (error) {
    throw unknown(route, 'its class or instance is frozen', error);
  }
}

/** The same function, but calls that Nest makes are noted. Code may call it too: that is not another call. */
function knowing(inner: Method, index: number): Method {
  const outer: Method = function (...args) {
    const request = args.length > index ? args[index] : undefined;
    // Only once: the handler may call itself, or others.
    if (typeof request !== 'object' || request === null || !arriving.delete(request)) return inner.apply(this, args);
    const own = args.slice(0, index);
    const call = watchedCallOf(request);
    return call ? call.run(() => inner.apply(this, own)) : inner.apply(this, own);
  };
  // A double of a test stays one for the test.
  Object.defineProperties(outer, Object.getOwnPropertyDescriptors(inner));
  for (const key of Reflect.getMetadataKeys(inner) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), outer);
  }
  return outer;
}

/** The prototype that has a method, which other classes may inherit too. */
function homeOf(prototype: object, name: string): object {
  let home = prototype;
  while (!Object.hasOwn(home, name)) home = Object.getPrototypeOf(home) as object;
  return home;
}

/** What Nest's decorators of parameters write. */
const ARGUMENTS = '__routeArguments__';

const argumentsOf = (constructor: object, name: string): readonly { readonly index: number }[] =>
  Object.values((Reflect.getMetadata(ARGUMENTS, constructor, name) as Record<string, { index: number }>) ?? {});

/** The number of arguments that Nest gives to a handler. */
const argumentCount = (constructor: object, name: string): number =>
  argumentsOf(constructor, name).reduce((most, { index }) => Math.max(most, index), -1) + 1;

/** Nest reads them from the class that an instance reports, which may be another one. */
function checkArguments(route: Route, { constructor }: object): void {
  const home = homeOf(route.controller.prototype as object, route.name);
  const count = argumentCount(home.constructor, route.name);
  if (argumentCount(constructor, route.name) === count) return;
  throw unknown(route, `its parameters are decorated again in ${constructor.name}`);
}

/** Without decorated parameters Nest gives a message to its handler, but then there would be one. */
function refuseMessages(route: Route, { constructor }: object): void {
  if (messageKindOf(route.handler) === undefined || argumentCount(constructor, route.name) > 0) return;
  throw unknown(route, 'it also handles messages; decorate its parameter with @Payload() or @MessageBody()');
}

const unknown = ({ controller, name }: Route, why: string, cause?: unknown): RateLimitError =>
  new RateLimitError(
    'RL_HANDLER_UNKNOWN',
    `a policy of ${placeOf({ controller, name } as Route)} holds units until the call ends, but the handler cannot be followed: ${why}`,
    { cause },
  );
