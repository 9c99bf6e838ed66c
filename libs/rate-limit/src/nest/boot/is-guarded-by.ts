import type { ApplicationConfig } from '@nestjs/core';
import type { Route } from '../plan/routes.js';
import { RateLimitGuard } from '../request/rate-limit.guard.js';

/** Whether the application binds `RateLimitGuard` to a route: globally, on its class or on its method. */
export const isGuardedBy =
  (config: ApplicationConfig) =>
  (route: Route): boolean =>
    guardsBefore(config, route).some(isOurs);

/** The guards that an application binds to a route. */
export const guardsBefore = (config: ApplicationConfig, { controller, handler }: Route): readonly unknown[] => [
  ...config.getGlobalGuards(),
  ...config.getGlobalRequestGuards().map(({ metatype }) => metatype),
  ...guardsOf(controller),
  ...guardsOf(handler),
];

/** The application's guards that run after `RateLimitGuard`. */
export function guardsBehindOurs(config: ApplicationConfig, route: Route): readonly unknown[] {
  const guards = guardsBefore(config, route);
  const ours = guards.findIndex(isOurs);
  return ours < 0 ? [] : guards.slice(ours + 1).filter((guard) => !isOurs(guard));
}

/** Nest accepts a class, a class that extends it, or an instance. */
const isOurs = (guard: unknown): boolean =>
  guard === RateLimitGuard ||
  guard instanceof RateLimitGuard ||
  (typeof guard === 'function' && guard.prototype instanceof RateLimitGuard);

/** What `@UseGuards` writes. */
export const guardsOf = (target: object): readonly unknown[] =>
  (Reflect.getMetadata('__guards__', target) as unknown[] | undefined) ?? [];
