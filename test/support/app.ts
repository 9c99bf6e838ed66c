import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { RateLimitModule, type RateLimitModuleExtras, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';

export const adapters = ['express', 'fastify'] as const;
export type Adapter = (typeof adapters)[number];

export interface App {
  readonly nest: INestApplication;
  readonly url: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

const open: INestApplication[] = [];

/** Boots an application of these controllers on a free port. `closeApps` closes it, so that a failing test does not hang. */
export async function boot(
  adapter: Adapter | FastifyAdapter,
  rateLimit: DynamicModule | (RateLimitModuleOptions & RateLimitModuleExtras),
  { controllers = [], providers = [], imports = [], prepare }: BootOptions,
): Promise<App> {
  class Root {}
  const limits = 'module' in rateLimit ? rateLimit : RateLimitModule.forRoot(rateLimit);
  Module({ imports: [...imports, limits], controllers, providers })(Root);
  const nest = await NestFactory.create<NestExpressApplication | NestFastifyApplication>(
    Root,
    adapter === 'express' ? new ExpressAdapter() : adapter === 'fastify' ? new FastifyAdapter() : adapter,
    { logger: false, abortOnError: false },
  );
  open.push(nest);
  prepare?.(nest);
  await nest.listen(0, '127.0.0.1');
  const url = (await nest.getUrl()).replace('[::1]', '127.0.0.1');
  return { nest, url, get: (path, headers = {}) => fetch(url + path, { headers }) };
}

export interface BootOptions {
  controllers?: Type[];
  providers?: NonNullable<Parameters<typeof Module>[0]['providers']>;
  imports?: NonNullable<Parameters<typeof Module>[0]['imports']>;
  prepare?: (nest: INestApplication) => void;
}

export async function closeApps(): Promise<void> {
  for (const nest of open.splice(0)) await nest.close();
}
