import type { Wrapper } from '../../plan/classes.js';

/** What a class or a factory is given, as far as Nest has found it. */
export const dependenciesOf = (provider: Wrapper): Wrapper[] =>
  [
    ...((provider.getCtorMetadata() as Wrapper[] | undefined) ?? []),
    ...(provider.getPropertiesMetadata() ?? []).map(({ wrapper }) => wrapper),
    // A dependency that is optional leaves a hole.
  ].filter((each: Wrapper | undefined) => each !== undefined);
