import type { Type } from '@nestjs/common';
import type { Wrapper } from './classes.js';

/**
 * What a controller's routes are filed under: the class's name, and where two classes bear one, the module's before
 * it. Never the url, which has many spellings; the same in every process and after every restart.
 */
export function ownersOf(controllers: readonly Wrapper[]): Map<Type, string> {
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
