import type { Type } from '@nestjs/common';
import { RouterModule, type ModulesContainer, type Routes } from '@nestjs/core';
import { joined } from './route-owners.js';

/**
 * The path prefixes of `RouterModule.register()`, by module. Read from its options, because Nest writes them on the
 * modules only when it makes `RouterModule`, which may be later.
 */
export function modulePathsOf(modules: ModulesContainer): Map<unknown, string> {
  const paths = new Map<unknown, string>();
  for (const { metatype, providers } of modules.values()) {
    if (metatype !== RouterModule) continue;
    for (const { instance } of providers.values()) {
      if (Array.isArray(instance)) addPaths(paths, instance as Routes, '');
    }
  }
  return paths;
}

function addPaths(paths: Map<unknown, string>, routes: readonly (Routes[number] | Type)[], above: string): void {
  for (const route of routes) {
    if (typeof route === 'function') {
      paths.set(route, above);
      continue;
    }
    const path = joined(above, route.path);
    if (route.module) paths.set(route.module, path);
    addPaths(paths, route.children ?? [], path);
  }
}
