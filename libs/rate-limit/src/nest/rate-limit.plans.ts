import type { ExecutionContext, Type } from '@nestjs/common';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import { RateLimitError } from '../core/errors.js';
import { placed, type Asked, type Catalogue } from './rate-limit.catalogue.js';
import { askedOf, EMPTY_PLAN, planOf, type Handler, type Plan } from './rate-limit.plan.js';

type Wrapper = ReturnType<DiscoveryService['getControllers']>[number];

/** A handler that a plan was made for, and where it lives. */
export interface PlannedHandler {
  readonly controller: Type;
  readonly name: string;
  readonly handler: Handler;
  readonly plan: Plan;
  readonly host: Wrapper['host'];
}

/**
 * Every handler's plan, made once when the application starts. A plan belongs to a class and a handler: inherited
 * handlers share their function.
 */
export class Plans {
  readonly handlers: readonly PlannedHandler[];
  private readonly byController = new Map<Type, Map<Handler, Plan>>();

  /** @throws RateLimitError naming the handler, the value and the fix */
  constructor(
    readonly catalogue: Catalogue,
    defaults: readonly Asked[],
    discovery: DiscoveryService,
  ) {
    const controllers = discovery.getControllers().filter(({ metatype }) => typeof metatype === 'function');
    const owners = ownersOf(controllers);
    placed('default', () => defaults.forEach((asked) => void (catalogue.learn(asked), catalogue.ruleFor(asked, ''))));
    for (const { metatype } of controllers) learnFrom(metatype as Type, catalogue);
    this.handlers = controllers.flatMap((wrapper) => {
      const controller = wrapper.metatype as Type;
      const methods = methodsOf(controller);
      if (!methods.some(([, handler]) => isRoute(handler)))
        refuseStray(controller.name, controller, 'has no HTTP route');
      return methods.flatMap(([name, handler]) => {
        const place = `${controller.name}.${name}`;
        if (!isRoute(handler)) {
          refuseStray(place, handler, 'is no HTTP route');
          return [];
        }
        const owner = `@${owners.get(controller)}.${name}`;
        const plan = placed(place, () => planOf(catalogue, defaults, controller, handler, owner));
        this.plansOf(controller).set(handler, plan);
        return [{ controller, name, handler, plan, host: wrapper.host }];
      });
    });
    for (const { metatype } of discovery.getProviders()) refuseStrayProvider(metatype);
  }

  /** The plan of the handler that is called. */
  of(context: ExecutionContext): Plan {
    return this.byController.get(context.getClass())?.get(context.getHandler() as Handler) ?? EMPTY_PLAN;
  }

  private plansOf(controller: Type): Map<Handler, Plan> {
    const plans = this.byController.get(controller) ?? new Map<Handler, Plan>();
    this.byController.set(controller, plans);
    return plans;
  }
}

/**
 * What routes are filed under: the class's name, and where two classes bear one, the module's before it. Never the
 * url, which has many spellings; the same in every process and after every restart.
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

/** First all that is spelled out anywhere, then the plans: what a name means does not depend on the order of imports. */
function learnFrom(controller: Type, catalogue: Catalogue): void {
  placed(controller.name, () => askedOf(controller).forEach((asked) => catalogue.learn(asked)));
  for (const [name, handler] of methodsOf(controller)) {
    placed(`${controller.name}.${name}`, () => askedOf(handler).forEach((asked) => catalogue.learn(asked)));
  }
}

const scanner = new MetadataScanner();

function methodsOf(type: Type): [string, Handler][] {
  const prototype = type.prototype as Record<string, Handler> | undefined;
  if (!prototype) return [];
  return scanner.getAllMethodNames(prototype).map((name) => [name, prototype[name]!]);
}

/** Nest marks the handlers of HTTP routes so. */
const isRoute = (handler: Handler): boolean =>
  Reflect.hasMetadata('path', handler) && Reflect.hasMetadata('method', handler);

/** A decorator that would do nothing is a mistake, told at once. */
function refuseStray(place: string, target: object, why: string): void {
  if (askedOf(target).length === 0) return;
  throw new RateLimitError(
    'RL_NOT_A_ROUTE',
    `${place} has @RateLimit but ${why}, so nothing would be limited; call RateLimiter.consume() there instead`,
  );
}

function refuseStrayProvider(metatype: unknown): void {
  if (typeof metatype !== 'function' || !metatype.prototype) return;
  const type = metatype as Type;
  refuseStray(type.name, type, 'is no controller');
  for (const [name, method] of methodsOf(type)) refuseStray(`${type.name}.${name}`, method, 'is no HTTP route');
}
