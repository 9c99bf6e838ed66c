import type { ModulesContainer } from '@nestjs/core';
import { RATE_LIMIT_SETTINGS } from '../tokens.js';

/** What Nest knows of a module. */
export type NestModule = NonNullable<ReturnType<ModulesContainer['get']>>;

/** Finds this library's module in an application, also if the application extended it or loaded another copy of it. */
export const moduleIn = (modules: ModulesContainer): NestModule | undefined =>
  [...modules.values()].find(({ providers }) => providers.has(RATE_LIMIT_SETTINGS));
