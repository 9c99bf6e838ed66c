import type { Lists } from './lists.js';

/** Lists, and whose they are. */
export interface OwnedLists {
  readonly lists: Lists;
  /** The policy that has the lists; `undefined`: the module or the limiter. */
  readonly policy: string | undefined;
  /** Whether their deny list only reports, and refuses nobody. */
  readonly isInShadow: boolean;
}
