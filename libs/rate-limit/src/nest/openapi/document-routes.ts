import { RequestMethod, type Type } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { documentedAnswers, inCommon, type DocumentedAnswers } from './documented-answers.js';
import type { Policy } from '../../core/policy.js';
import { MemoryStore } from '../../stores/memory/memory.store.js';
import { RateLimitGuard } from '../request/rate-limit.guard.js';
import type { Handler } from '../plan/plan.js';
import type { Plans } from '../plan/plans.js';
import type { Route } from '../plan/routes.js';
import { LimitByRequest } from '../plan/limit-by-request.js';
import type { Rule } from '../plan/rule.js';
import type { RateLimitSettings } from '../settings.js';

/** What `@ApiResponse` writes on a handler or a class, by status, and `@nestjs/swagger` reads: 11 and 12 alike. */
const API_RESPONSES = 'swagger/apiResponse';
type Responses = Readonly<Record<string, object>>;

/** Told of our own: what the handler itself declared. */
const DECLARED = Symbol.for('nestjs-redis-rate-limit/declared-responses');

/**
 * Says on each limited handler how it is denied, for `@nestjs/swagger`, in the way that its decorators do; without that
 * package nobody reads it. A handler's function may serve several routes: then only what holds for all of them is said.
 * It may serve several applications too: each says it anew when it starts.
 *
 * @param isGuarded whether the guard stands before a route; asked when a document is made, for guards may be bound late
 */
export function documentRoutes(plans: Plans, settings: RateLimitSettings, isGuarded: (route: Route) => boolean): void {
  const serving = new Map<Handler, Route[]>();
  for (const route of plans.routes) {
    const routes = serving.get(route.handler);
    if (routes) routes.push(route);
    else serving.set(route.handler, [route]);
  }
  for (const [handler, routes] of serving) {
    const declared = declaredBy(handler);
    const rules = routes.map(({ controller, name }) => plans.for(controller, name).all);
    if (rules.every((each) => each.length > 0)) {
      let ours: DocumentedAnswers | undefined;
      const answers = () => (ours ??= inCommon(rules.map((each) => answersUnder(each, settings))));
      const responses = () => {
        const own = declared ?? undeclared(routes[0]!);
        return routes.every(isGuarded) ? added(own, routes, answers()) : own;
      };
      Reflect.defineMetadata(API_RESPONSES, asRead(responses, declared), handler);
    } else if (declared) Reflect.defineMetadata(API_RESPONSES, declared, handler);
    else Reflect.deleteMetadata(API_RESPONSES, handler);
  }
}

/** Whether the guard stands before a route that the module does not bind it to. */
export const isGuardedBy =
  (config: ApplicationConfig) =>
  ({ controller, handler }: Route): boolean =>
    [
      ...config.getGlobalGuards(),
      ...config.getGlobalRequestGuards().map(({ metatype }) => metatype),
      ...guardsOf(controller),
      ...guardsOf(handler),
    ].some(isOurs);

/** The class, one that extends it, or an instance: guards are bound as any of these. */
const isOurs = (guard: unknown): boolean =>
  guard === RateLimitGuard ||
  guard instanceof RateLimitGuard ||
  (typeof guard === 'function' && guard.prototype instanceof RateLimitGuard);

/** What `@UseGuards` writes. */
const guardsOf = (target: object): readonly unknown[] =>
  (Reflect.getMetadata('__guards__', target) as unknown[] | undefined) ?? [];

/** A limit for examples where it is a function of the request. */
const SOME_LIMIT = 100;

const policyOf = ({ source, cost }: Rule): Policy =>
  source instanceof LimitByRequest ? source.withLimit(Math.max(SOME_LIMIT, cost)) : source.own;

function answersUnder(rules: readonly Rule[], { options, headers }: RateLimitSettings): DocumentedAnswers {
  const policies = rules.map((rule) => {
    return {
      policy: policyOf(rule),
      cost: rule.cost,
      isLimitDynamic: rule.source.varies !== 'never',
      isResolved: rule.source.varies === 'all',
      isCostDynamic: typeof rule.use.cost === 'function',
    };
  });
  const { redis, store, onStoreFailure: mode } = options;
  const mayFail = redis !== undefined || (store !== undefined && !(store instanceof MemoryStore));
  const closed = policies.filter(({ policy }) => mayFail && (policy.onStoreFailure ?? mode) === 'closed');
  const refusing = rules.filter(({ lists }) => lists?.canRefuse && lists.deny?.status === 403);
  const namesOf = (named: readonly { name: string }[]) => [...new Set(named.map(({ name }) => name))];
  return documentedAnswers(policies, namesOf(closed.map(({ policy }) => policy)), headers, namesOf(refusing));
}

/** What the user declares of a status, on the handler or on a class, stands as it is. */
function added(
  own: Responses,
  routes: readonly Route[],
  { fields, denial, shedding, refusal }: DocumentedAnswers,
): Responses {
  const ofClasses = routes.map(({ controller }) => responsesOf(controller) ?? {});
  const isFree = (status: string) => [own, ...ofClasses].every((responses) => !(status in responses));
  const hasFields = Object.keys(fields).length > 0;
  const responses: Record<string, object> = {};
  for (const [status, response] of Object.entries(own)) {
    const { headers } = response as { headers?: object };
    const succeeds = /^2/.test(status);
    responses[status] = hasFields && succeeds ? { ...response, headers: { ...fields, ...headers } } : response;
  }
  if (denial && isFree('429')) responses['429'] = denial;
  if (shedding && isFree('503')) responses['503'] = shedding;
  if (refusal && isFree('403')) responses['403'] = refusal;
  return responses;
}

const responsesOf = (target: object): Responses | undefined =>
  Reflect.getMetadata(API_RESPONSES, target) as Responses | undefined;

/** What the handler declared before any application added to it. */
function declaredBy(handler: Handler): Responses | undefined {
  const responses: (Responses & { [DECLARED]?: Responses }) | undefined = responsesOf(handler);
  return responses && DECLARED in responses ? responses[DECLARED] : responses;
}

/** Responses that are made whenever somebody reads them: no start waits for what may never be read. */
const asRead = (responses: () => Responses, declared: Responses | undefined): Responses =>
  new Proxy<Responses>(
    {},
    {
      has: (_, key) => key === DECLARED || key in responses(),
      get: (_, key) => (key === DECLARED ? declared : responses()[String(key)]),
      ownKeys: () => Object.keys(responses()),
      getOwnPropertyDescriptor: (_, key) => {
        const found = Object.getOwnPropertyDescriptor(responses(), key);
        return found && { ...found, configurable: true };
      },
      // Whoever would freeze it is told that he cannot, and nothing is broken by his trying.
      preventExtensions: () => false,
    },
  );

/**
 * What `@nestjs/swagger` says of a handler that declares nothing, which it does no more once somebody has: the status
 * that Nest sends, with what the package's compiler plugin found out if its metadata was loaded.
 */
function undeclared({ controller, name, handler }: Route): Responses {
  const sent = Reflect.getMetadata('__httpCode__', handler) as number | undefined;
  const isPost = Reflect.getMetadata('method', handler) === RequestMethod.POST;
  const { status = sent ?? (isPost ? 201 : 200), ...found } = foundByPlugin(controller, name);
  return { [status]: { description: '', ...found } };
}

interface FoundByPlugin {
  readonly status?: number;
  readonly type?: unknown;
  readonly isArray?: boolean;
}

/** Of the plugin's metadata what `@nestjs/swagger` takes for the response. */
function foundByPlugin(controller: Type, name: string): FoundByPlugin {
  const { _OPENAPI_METADATA_FACTORY: factory } = controller as Type & {
    _OPENAPI_METADATA_FACTORY?: () => Readonly<Record<string, object>>;
  };
  const { summary, deprecated, tags, ...found } = (factory?.()[name] ?? {}) as FoundByPlugin & Record<string, unknown>;
  if (!Array.isArray(found.type) || found.isArray) return found;
  return { ...found, type: found.type[0] as unknown, isArray: true };
}
