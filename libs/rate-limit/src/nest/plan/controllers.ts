import type { Type } from '@nestjs/common';
import { MetadataScanner, type DiscoveryService } from '@nestjs/core';
import type { Handler } from './plan.js';

/** What Nest knows of a class that it makes. */
export type Wrapper = ReturnType<DiscoveryService['getControllers']>[number];

export const controllersOf = (discovery: DiscoveryService): Wrapper[] =>
  discovery.getControllers().filter(({ metatype }) => typeof metatype === 'function');

const scanner = new MetadataScanner();

/** The methods of a class, inherited ones too. */
export function methodsOf(type: Type): [string, Handler][] {
  const prototype = type.prototype as Record<string, Handler> | undefined;
  if (!prototype) return [];
  return scanner.getAllMethodNames(prototype).map((name) => [name, prototype[name]!]);
}
