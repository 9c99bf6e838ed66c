import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { RATE_LIMIT_SETTINGS } from '../tokens.js';

/** What Nest knows of a module. */
export type NestModule = NonNullable<ReturnType<ModulesContainer['get']>>;

/** Ours among the modules of an application, also where the application extended it or loaded another copy of it. */
export const moduleIn = (modules: ModulesContainer): NestModule | undefined =>
  [...modules.values()].find(({ providers }) => providers.has(RATE_LIMIT_SETTINGS));

/** A provider of our module that the application has one of; `undefined` where Nest makes it for each request. */
export function instanceIn<T>(modules: ModulesContainer, type: Type<T>): T | undefined {
  const provider = moduleIn(modules)?.providers.get(type);
  return provider?.isDependencyTreeStatic() ? (provider.instance as T) : undefined;
}
