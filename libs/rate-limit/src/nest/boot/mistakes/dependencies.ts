import type { Wrapper } from '../../plan/classes.js';

/** The dependencies of a class or a factory that Nest has found. */
export const dependenciesOf = (provider: Wrapper): Wrapper[] =>
  [
    ...((provider.getCtorMetadata() as Wrapper[] | undefined) ?? []),
    ...(provider.getPropertiesMetadata() ?? []).map(({ wrapper }) => wrapper),
    // An optional dependency that is missing leaves a hole.
  ].filter((each: Wrapper | undefined) => each !== undefined);
