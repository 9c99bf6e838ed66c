import type { ExecutionContext, Type } from '@nestjs/common';
import { placed, type Asked, type Catalogue } from './rate-limit.catalogue.js';
import { askedOf, planOf, type Handler, type Plan } from './rate-limit.plan.js';
import type { Route } from './rate-limit.routes.js';

/**
 * Every route's plan, made once when the application starts. A plan belongs to a class and a handler: inherited
 * handlers share their function.
 */
export class Plans {
  private readonly byController = new Map<Type, Map<Handler, Plan>>();
  /** For what is no route: a message, a query. Only the default policies could be meant there. */
  private readonly elsewhere: Plan;

  /** @throws RateLimitError naming the handler, the value and the fix */
  constructor(
    readonly catalogue: Catalogue,
    defaults: readonly Asked[],
    routes: readonly Route[],
  ) {
    // First all that is spelled out anywhere, then the plans: what a name means does not depend on the order of imports.
    const learn = (asked: readonly Asked[]) => asked.forEach((each) => catalogue.learn(each));
    this.elsewhere = placed('default', () => (learn(defaults), planOf(catalogue, [defaults], '@default')));
    for (const { controller, name, handler } of routes) {
      placed(controller.name, () => learn(askedOf(controller)));
      placed(`${controller.name}.${name}`, () => learn(askedOf(handler)));
    }
    for (const { controller, name, handler, owner } of routes) {
      const plan = placed(`${controller.name}.${name}`, () =>
        planOf(catalogue, [defaults, controller, handler], owner),
      );
      this.plansOf(controller).set(handler, plan);
    }
  }

  /** The plan of the handler that is called. */
  of(context: ExecutionContext): Plan {
    return this.for(context.getClass(), context.getHandler() as Handler);
  }

  for(controller: Type, handler: Handler): Plan {
    return this.byController.get(controller)?.get(handler) ?? this.elsewhere;
  }

  private plansOf(controller: Type): Map<Handler, Plan> {
    const plans = this.byController.get(controller) ?? new Map<Handler, Plan>();
    this.byController.set(controller, plans);
    return plans;
  }
}
