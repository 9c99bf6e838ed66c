import type { Command } from './command.js';
import { blocked } from './commands/blocked.js';
import { holds, release } from './commands/holds.js';
import { inspect } from './commands/inspect.js';
import { limitsClear, limitsList, limitsSet } from './commands/limits.js';
import { reset } from './commands/reset.js';
import { unblock } from './commands/unblock.js';

/** The only list of the commands. */
export const commands: readonly Command[] = [
  inspect,
  blocked,
  unblock,
  reset,
  limitsList,
  limitsSet,
  limitsClear,
  holds,
  release,
];
