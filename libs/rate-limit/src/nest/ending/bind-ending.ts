import { Req, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { RateLimitError } from '../../core/errors.js';
import { messageKindOf } from '../boot/mistakes/messages.js';
import { functionOf, placeOf, type Route } from '../plan/routes.js';
import { isEndingBound, markEndingBound } from './bound-handlers.js';
import { watchedCallOf } from './watched-call.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Requests that guards have let through to a handler that is bound. An interceptor may call the handler several times. */
const arrived = new WeakSet<object>();

/**
 * Stands at the end of a handler's guards: what refuses a call behind it is a pipe or an interceptor. An object and not a
 * class, of which Nest would make an instance by itself.
 */
const behindGuards: CanActivate = {
  canActivate(context: ExecutionContext) {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<unknown>();
    if (typeof request !== 'object' || request === null) return true;
    arrived.add(request);
    watchedCallOf(request)?.passGuards();
    return true;
  },
};

/**
 * Binds the end of calls to just these handlers; all others stay as they are. Each of their functions gets another one in
 * its place, with the same metadata, which knows when the handler starts and ends.
 *
 * It finds the call by its request, for which Nest gives the handler one more argument. AsyncLocalStorage would do
 * without, but before Node.js 24 its first use makes every promise of the process slower.
 *
 * Call it when all instances are made and all other guards are bound, right before Nest makes the routes.
 *
 * @throws RateLimitError `RL_HANDLER_UNKNOWN` for a handler that cannot be bound
 */
export function bindEnding(routes: readonly Route[]): void {
  for (const route of routes) {
    bindToClass(route);
    bindToInstance(route);
  }
}

function bindToClass(route: Route): void {
  const { name } = route;
  const home = homeOf(route);
  // Several classes may inherit it, and several applications of a process may have the class.
  if (isEndingBound((home as Record<string, Method>)[name]!)) return;
  let index = addedArgument(home, name);
  if (index === undefined) {
    index = argumentCount(home, name);
    if (index === 0 && messageKindOf(route.handler) !== undefined) {
      // Nest gives a message to a handler without decorated parameters.
      throw unknown(route, 'it also handles messages; decorate its parameter with @Payload() or @MessageBody()');
    }
    Req()(home, name, index);
    Reflect.defineMetadata(ADDED, index, home.constructor, name);
  }
  // Where it is, and not in the class that inherits it: that would change the order of the routes.
  replace(home, route, index);
}

/** A constructor may have bound the handler, and a test may have put a double there. */
function bindToInstance(route: Route): void {
  const { name, wrapper, controller } = route;
  const instance = (wrapper.instance ?? controller.prototype) as object;
  const index = addedArgument(homeOf(route), name)!;
  // Nest asks the class that the instance reports.
  if (argumentCount(instance, name) !== index + 1) {
    throw unknown(route, `its parameters are decorated again in ${instance.constructor.name}`);
  }
  if (isEndingBound(functionOf(route))) return;
  replace(instance, route, index);
  if (!isEndingBound(functionOf(route))) throw unknown(route, 'its instance returns another function each time');
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
    throw unknown(route, 'its class or its instance does not allow that', error);
  }
}

/** The same function, but calls that Nest makes are followed. Code may call it too, without the argument that we added. */
function knowing(inner: Method, index: number): Method {
  const outer: Method = function (...args) {
    const request = args.length === index + 1 ? args[index] : undefined;
    if (typeof request !== 'object' || request === null || !arrived.has(request)) return inner.apply(this, args);
    args.pop();
    const call = watchedCallOf(request);
    return call ? call.run(() => inner.apply(this, args)) : inner.apply(this, args);
  };
  // A double of a test stays one for the test.
  Object.defineProperties(outer, Object.getOwnPropertyDescriptors(inner));
  for (const key of Reflect.getMetadataKeys(inner) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), outer);
  }
  return outer;
}

/** The prototype that has a handler, which other classes may inherit too. */
function homeOf({ controller, name }: Route): object {
  let home = controller.prototype as object;
  while (!Object.hasOwn(home, name)) home = Object.getPrototypeOf(home) as object;
  return home;
}

/** What Nest's decorators of parameters write. */
const ARGUMENTS = '__routeArguments__';

/** The number of arguments that Nest gives to a handler. */
function argumentCount({ constructor }: object, name: string): number {
  const found = Reflect.getMetadata(ARGUMENTS, constructor, name) as Record<string, { index: number }> | undefined;
  return Object.values(found ?? {}).reduce((most, { index }) => Math.max(most, index), -1) + 1;
}

const ADDED = Symbol('nestjs-redis-rate-limit/added-argument');

/** Which argument of a handler is the one that we added. */
const addedArgument = ({ constructor }: object, name: string): number | undefined =>
  Reflect.getMetadata(ADDED, constructor, name) as number | undefined;

const unknown = (route: Route, why: string, cause?: unknown): RateLimitError =>
  new RateLimitError(
    'RL_HANDLER_UNKNOWN',
    `a policy of ${placeOf(route)} holds units until the call ends, but the handler cannot be followed: ${why}`,
    { cause },
  );
