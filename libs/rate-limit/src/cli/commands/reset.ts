import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { quotasOf } from '../found-quotas.js';
import { named } from '../printable.js';
import { removeKeys } from '../remove-keys.js';

export const reset: Command = {
  name: 'reset',
  words: ['POLICY', 'KEY'],
  about: "make a caller's quota full again, and end its block and its holds: this lets a caller in",
  details: ['Applications see it within a second. Exits with 1 if nothing is stored for the caller under the policy.'],
  options: {},
  async run(session, { words: [policy, given] }) {
    const key = session.callerOf(given!);
    const quotas = await quotasOf(session, key, policy);
    for (const { policy: found, stored } of quotas) {
      await removeKeys(session, [...stored]);
      session.terminal.say({ reset: key, id: found.id }, `${named(key)} has a full quota under ${named(found.id)}.`);
    }
    if (quotas.length > 0) return EXIT.done;
    session.terminal.note(`Nothing is stored for ${named(key)} under ${named(policy!)}.`);
    return EXIT.nothing;
  },
};
