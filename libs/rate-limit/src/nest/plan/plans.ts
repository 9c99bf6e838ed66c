import type { ExecutionContext, Type } from '@nestjs/common';
import { atPlace, RateLimitError } from '../../core/errors.js';
import { transportOf } from '../transports/transports.js';
import { askedByClass, askedByMethod, planOf, type Asked, type Handler, type Plan } from './plan.js';
import { functionOf, placeOf, routeNameOf, type Route } from './routes.js';
import type { RequestedPolicy, RuleCatalogue } from './rule-catalogue.js';

/** A handler that requests reach, and its plan. */
interface Planned {
  readonly plan: Plan;
  /** One for each instance: a class may be in several modules. */
  readonly routes: Route[];
}

/**
 * Every route's plan, made once when the application starts. A plan belongs to a class and the name of a handler, not
 * to its function: inherited handlers share a function, and a function may be replaced later (tracing wraps it, a
 * constructor binds it, a test puts a double there).
 */
export class Plans {
  /**
   * Whether a function has the late guard. If a handler has it and the function that replaced it does not, the call is
   * refused, because its late policies would not be decided.
   */
  isLateBound: (handler: Handler) => boolean = () => true;
  private readonly byController = new Map<Type, Map<string, Planned>>();
  /** Controllers whose instances report another class, as behind a Proxy in NestJS 11. */
  private readonly behind = new Map<unknown, Type[]>();
  /** Plans by function, for quick lookup. Weak, because a constructor may make a function for each request. */
  private readonly byHandler = new Map<Type, WeakMap<Handler, Plan>>();
  /** The plan for calls that are not routes, such as messages: the default policies. */
  private readonly elsewhere: Plan;

  /** @throws RateLimitError naming the handler, the value and the fix */
  constructor(
    readonly catalogue: RuleCatalogue,
    defaults: readonly RequestedPolicy[],
    readonly routes: readonly Route[],
  ) {
    // First all definitions, then the plans, so that names do not depend on the order of imports.
    const learn = (requested: readonly RequestedPolicy[]) => requested.forEach((each) => catalogue.learn(each));
    this.elsewhere = atPlace('default', () => (learn(defaults), planOf(catalogue, [defaults], '@default')));
    const asked = new Map<Route, readonly [Asked, Asked]>();
    for (const route of routes) {
      const { controller, name, handler } = route;
      const [byClass, byMethod] = [askedByClass(controller), askedByMethod(controller, name, handler)];
      asked.set(route, [byClass, byMethod]);
      atPlace(controller.name, () => learn(byClass.requested));
      atPlace(placeOf(route), () => learn(byMethod.requested));
    }
    for (const route of routes) {
      const { controller, name, owner } = route;
      const handlers = entriesOf(this.byController, controller, () => new Map<string, Planned>());
      const known = handlers.get(name);
      if (known) {
        known.routes.push(route);
        continue;
      }
      const plan = atPlace(placeOf(route), () => planOf(catalogue, [defaults, ...asked.get(route)!], owner));
      handlers.set(name, { plan, routes: [route] });
    }
    for (const controller of this.byController.keys()) {
      this.hide(controller, (controller.prototype as object).constructor);
    }
    for (const [constructor, controllers] of this.behind) this.checkToldApart(constructor as Type, controllers);
  }

  /**
   * The plan of the handler that is called.
   *
   * @throws RateLimitError `RL_HANDLER_UNKNOWN` for a route that is not recognised: it must not pass unlimited
   */
  of(context: ExecutionContext): Plan {
    const controller = context.getClass();
    const handler = context.getHandler() as Handler;
    return this.byHandler.get(controller)?.get(handler) ?? this.find(controller, handler, context);
  }

  for({ controller, name }: Route): Plan {
    return this.byController.get(controller)?.get(name)?.plan ?? this.elsewhere;
  }

  /**
   * Learns the functions that replaced handlers on the instances. Call it right before Nest makes the routes from them,
   * because a test removes its doubles later.
   */
  recogniseHandlers(): void {
    for (const [controller, handlers] of this.byController) {
      for (const { routes } of handlers.values()) {
        for (const route of routes) {
          this.hide(controller, (route.wrapper.instance as object | undefined)?.constructor);
          const handler = functionOf(route);
          if (handler === route.handler) continue;
          const planned = this.onInstance(handlers, handler);
          if (planned) this.remember(controller, handler, planned);
        }
      }
    }
  }

  /** Notes the class that calls of a controller report, if it is another one. */
  private hide(controller: Type, constructor: unknown): void {
    if (constructor === undefined || constructor === controller || this.byController.has(constructor as Type)) return;
    const controllers = entriesOf(this.behind, constructor, (): Type[] => []);
    if (!controllers.includes(controller)) controllers.push(controller);
  }

  /** @throws RateLimitError `RL_HANDLER_UNKNOWN` if calls of two controllers would look alike and their plans differ */
  private checkToldApart(constructor: Type, controllers: readonly Type[]): void {
    const names = new Set(controllers.flatMap((controller) => [...this.byController.get(controller)!.keys()]));
    for (const name of names) {
      const planned = controllers.flatMap((controller) => this.byController.get(controller)!.get(name) ?? []);
      if (planned.length < 2 || allAlike(planned)) continue;
      const [one, other] = planned.map(({ routes: [route] }) => placeOf(route!));
      throw new RateLimitError(
        'RL_HANDLER_UNKNOWN',
        `${one} and ${other} cannot be distinguished, because both classes have the constructor property of ${constructor.name}; ` +
          'do not copy "constructor" from a mixin',
      );
    }
  }

  private find(type: Type, handler: Handler, context: ExecutionContext): Plan {
    // Not remembered: the same function may handle requests too.
    if (!transportOf(context.getType())?.exchangeOf(context)) return this.elsewhere;
    const controllers = this.byController.has(type) ? [type] : (this.behind.get(type) ?? []);
    for (const controller of controllers) {
      const handlers = this.byController.get(controller)!;
      const planned = handlers.get(routeNameOf(handler)) ?? this.onInstance(handlers, handler) ?? anyOf(handlers);
      if (planned) return this.remember(type, handler, planned);
    }
    if (controllers.length > 0) {
      throw new RateLimitError(
        'RL_HANDLER_UNKNOWN',
        `a function named "${handler.name}" replaced a handler of ${type.name}, and it is unknown which one; give the function the handler's name`,
      );
    }
    entriesOf(this.byHandler, type, () => new WeakMap<Handler, Plan>()).set(handler, this.elsewhere);
    return this.elsewhere;
  }

  private remember(type: Type, handler: Handler, { plan, routes: [route] }: Planned): Plan {
    if (plan.late.length > 0 && this.isLateBound(route!.handler) && !this.isLateBound(handler)) {
      throw new RateLimitError(
        'RL_HANDLER_UNKNOWN',
        `a function without the handler's metadata replaced ${type.name}.${route!.name}, so the guards of the handler and its late ` +
          `policies would not run; copy the metadata, or move the guards to the class and use phase: 'early'`,
      );
    }
    entriesOf(this.byHandler, type, () => new WeakMap<Handler, Plan>()).set(handler, plan);
    return plan;
  }

  /** Finds a function on the instances; `undefined` if it serves handlers with different plans. */
  private onInstance(handlers: ReadonlyMap<string, Planned>, handler: Handler): Planned | undefined {
    const found = [...handlers.values()].filter(({ routes }) => routes.some((route) => functionOf(route) === handler));
    return allAlike(found);
  }
}

/** If all handlers have the same plan, it does not matter which one is called. */
const anyOf = (handlers: ReadonlyMap<string, Planned>): Planned | undefined => allAlike([...handlers.values()]);

function allAlike(planned: readonly Planned[]): Planned | undefined {
  const [first, ...others] = planned;
  const isSame = ({ plan }: Planned) =>
    plan.all.length === first!.plan.all.length && plan.all.every((rule, i) => rule === first!.plan.all[i]);
  return others.every(isSame) ? first : undefined;
}

function entriesOf<K, E>(entries: Map<K, E>, key: K, none: () => E): E {
  const found = entries.get(key) ?? none();
  entries.set(key, found);
  return found;
}
