import type { LimiterLogger } from '../../engine/observer/logger.js';

const said = new WeakMap<object, Set<string>>();

/**
 * Warns once about each kind of problem of an owner, such as a policy's source. The message is made only then.
 *
 * @param kind one of a few: each is kept
 */
export function sayOnce(owner: object, kind: string, logger: LimiterLogger, message: () => string): void {
  let kinds = said.get(owner);
  if (!kinds) said.set(owner, (kinds = new Set()));
  if (kinds.has(kind)) return;
  kinds.add(kind);
  logger.warn(message());
}
