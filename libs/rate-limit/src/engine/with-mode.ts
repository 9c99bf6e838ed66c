import type { LiveMode } from '../core/limit-book.js';
import type { PolicyMode } from '../core/policy.js';

/** A definition with a mode: its own, or else that of the options. What is no definition is refused elsewhere. */
export const withMode = <Definition extends { mode?: PolicyMode }>(
  definition: Definition,
  mode: LiveMode | undefined,
): Definition =>
  mode === undefined || mode === 'enforce' || typeof definition !== 'object' || (definition?.mode ?? mode) !== mode
    ? definition
    : { ...definition, mode };
