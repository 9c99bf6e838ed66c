import type { ExecutionContext, Type } from '@nestjs/common';
import { atPlace, RateLimitError } from '../../core/errors.js';
import { transportOf } from '../transports/transports.js';
import { askedByClass, askedByMethod, planOf, type Asked, type Handler, type Plan } from './plan.js';
import { functionOf, placeOf, routeNameOf, type Route } from './routes.js';
import type { RequestedPolicy, RuleCatalogue } from './rule-catalogue.js';

/** A handler that requests reach, and its plan. */
interface Planned {
  readonly plan: Plan;
  /** Of each instance: a class may stand in several modules. */
  readonly routes: Route[];
}

/**
 * Every route's plan, made once when the application starts. A plan belongs to a class and the name of a handler:
 * inherited handlers share their function, and a function may be another one by the time it is called (tracing wraps
 * it, a constructor binds it, a test puts a double there).
 */
export class Plans {
  /**
   * Whether a function has what decides late policies. Where a handler has it and the function in its place does not,
   * the call is refused: nobody would decide them.
   */
  isLateBound: (handler: Handler) => boolean = () => true;
  private readonly byController = new Map<Type, Map<string, Planned>>();
  /** Controllers whose instances say that they are of another class, as those of a Proxy do in NestJS 11. */
  private readonly behind = new Map<unknown, Type[]>();
  /** Found once, then known by the function itself, for as long as there is one: a constructor may make one per request. */
  private readonly byHandler = new Map<Type, WeakMap<Handler, Plan>>();
  /** For what is no route: a message, a query. Only the default policies could be meant there. */
  private readonly elsewhere: Plan;

  /** @throws RateLimitError naming the handler, the value and the fix */
  constructor(
    readonly catalogue: RuleCatalogue,
    defaults: readonly RequestedPolicy[],
    readonly routes: readonly Route[],
  ) {
    // First all that is spelled out anywhere, then the plans: what a name means does not depend on the order of imports.
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
   * @throws RateLimitError `RL_HANDLER_UNKNOWN` for a route nobody recognises: it is never let through unlimited
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
   * Learns what stands in the place of handlers, by the keys of the instances. Call it right before the routes are made
   * of that: a test takes its doubles back later.
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

  /** Notes the class that calls of a controller say they are of, where it is another one. */
  private hide(controller: Type, constructor: unknown): void {
    if (constructor === undefined || constructor === controller || this.byController.has(constructor as Type)) return;
    const controllers = entriesOf(this.behind, constructor, (): Type[] => []);
    if (!controllers.includes(controller)) controllers.push(controller);
  }

  /** @throws RateLimitError `RL_HANDLER_UNKNOWN` where calls of two controllers would look alike, and their plans differ */
  private checkToldApart(constructor: Type, controllers: readonly Type[]): void {
    const names = new Set(controllers.flatMap((controller) => [...this.byController.get(controller)!.keys()]));
    for (const name of names) {
      const planned = controllers.flatMap((controller) => this.byController.get(controller)!.get(name) ?? []);
      if (planned.length < 2 || allAlike(planned)) continue;
      const [one, other] = planned.map(({ routes: [route] }) => placeOf(route!));
      throw new RateLimitError(
        'RL_HANDLER_UNKNOWN',
        `${one} and ${other} cannot be told apart: both classes have the constructor property of ${constructor.name}; ` +
          'do not copy "constructor" from a mixin, or give their policies names',
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
        `a handler of ${type.name} was replaced by a function named "${handler.name}"; give it the handler's name`,
      );
    }
    entriesOf(this.byHandler, type, () => new WeakMap<Handler, Plan>()).set(handler, this.elsewhere);
    return this.elsewhere;
  }

  private remember(type: Type, handler: Handler, { plan, routes: [route] }: Planned): Plan {
    if (plan.late.length > 0 && this.isLateBound(route!.handler) && !this.isLateBound(handler)) {
      throw new RateLimitError(
        'RL_HANDLER_UNKNOWN',
        `${type.name}.${route!.name} was replaced by a function without the handler's metadata, so the guards of the handler ` +
          `are lost, and its policies that are decided after them; copy the metadata, or move the guards to the class and use phase: 'early'`,
      );
    }
    entriesOf(this.byHandler, type, () => new WeakMap<Handler, Plan>()).set(handler, plan);
    return plan;
  }

  /** By the key of an instance that the function stands under; nothing where it stands for handlers that differ. */
  private onInstance(handlers: ReadonlyMap<string, Planned>, handler: Handler): Planned | undefined {
    const found = [...handlers.values()].filter(({ routes }) => routes.some((route) => functionOf(route) === handler));
    return allAlike(found);
  }
}

/** Where all handlers have the same plan, it does not matter which one is called. */
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
