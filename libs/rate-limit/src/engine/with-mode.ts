import type { LiveMode } from '../core/limit-book.js';
import type { PolicyMode } from '../core/policy.js';

/** A definition with the mode of the options, unless it has a mode of its own. */
export function withMode<Definition extends { mode?: PolicyMode }>(
  definition: Definition,
  mode: LiveMode | undefined,
): Definition {
  // Values that are not definitions are refused later.
  const canHaveMode = typeof definition === 'object' && definition !== null;
  if (mode !== 'shadow' || !canHaveMode || definition.mode !== undefined) return definition;
  return { ...definition, mode };
}
