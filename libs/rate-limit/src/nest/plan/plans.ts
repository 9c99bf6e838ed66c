import type { ExecutionContext, Type } from '@nestjs/common';
import { atPlace, RateLimitError } from '../../core/errors.js';
import { transportOf } from '../transports/transports.js';
import { planOf, requestedBy, type Handler, type Plan } from './plan.js';
import { routeNameOf, type Route } from './routes.js';
import type { RequestedPolicy, RuleCatalogue } from './rule-catalogue.js';

/**
 * Every route's plan, made once when the application starts. A plan belongs to a class and the name of a handler:
 * inherited handlers share their function, and a function may be another one by the time it is called (tracing wraps
 * it, a constructor binds it).
 */
export class Plans {
  private readonly byController = new Map<Type, Map<string, Plan>>();
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
    for (const { controller, name, handler } of routes) {
      atPlace(controller.name, () => learn(requestedBy(controller)));
      atPlace(`${controller.name}.${name}`, () => learn(requestedBy(handler)));
    }
    for (const { controller, name, handler, owner } of routes) {
      const plan = atPlace(`${controller.name}.${name}`, () =>
        planOf(catalogue, [defaults, controller, handler], owner),
      );
      entriesOf(this.byController, controller, () => new Map<string, Plan>()).set(name, plan);
    }
  }

  /**
   * The plan of the handler that is called.
   *
   * @throws RateLimitError `RL_HANDLER_UNKNOWN` for a route nobody recognises: it is never let through unlimited
   */
  of(context: ExecutionContext): Plan {
    const controller = context.getClass();
    const handler = context.getHandler() as Handler;
    return this.byHandler.get(controller)?.get(handler) ?? this.find(controller, handler, context.getType<string>());
  }

  for(controller: Type, name: string): Plan {
    return this.byController.get(controller)?.get(name) ?? this.elsewhere;
  }

  private find(controller: Type, handler: Handler, type: string): Plan {
    const routes = this.byController.get(controller);
    const plan = transportOf(type) ? routes?.get(routeNameOf(handler)) : this.elsewhere;
    if (!plan && routes) {
      throw new RateLimitError(
        'RL_HANDLER_UNKNOWN',
        `a handler of ${controller.name} was replaced by a function named "${handler.name}"; give it the handler's name`,
      );
    }
    const found = plan ?? this.elsewhere;
    entriesOf(this.byHandler, controller, () => new WeakMap<Handler, Plan>()).set(handler, found);
    return found;
  }
}

function entriesOf<E>(plans: Map<Type, E>, controller: Type, none: () => E): E {
  const entries = plans.get(controller) ?? none();
  plans.set(controller, entries);
  return entries;
}
