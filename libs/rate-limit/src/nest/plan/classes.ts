import type { Type } from '@nestjs/common';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import type { HandlerPlace } from '../transports/transport.js';
import type { Handler } from './plan.js';

/** Nest's record of a class. */
export type Wrapper = ReturnType<DiscoveryService['getControllers']>[number];

/** The classes of an application that may have handlers. */
export const classesOf = (discovery: DiscoveryService): Record<HandlerPlace, Wrapper[]> => ({
  controllers: discovery.getControllers().filter(isClass),
  providers: discovery.getProviders().filter(isClass),
});

const isClass = ({ metatype }: Wrapper): boolean => typeof metatype === 'function';

const scanner = new MetadataScanner();

/** The methods of a class, inherited ones too. */
export function methodsOf(type: Type): [string, Handler][] {
  const prototype = type.prototype as Record<string, Handler> | undefined;
  if (!prototype) return [];
  return scanner.getAllMethodNames(prototype).map((name) => [name, prototype[name]!]);
}
