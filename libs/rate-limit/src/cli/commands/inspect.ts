import { partsOf } from '../../core/limit-book.js';
import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { quotasOf } from '../found-quotas.js';
import { LIMIT_OPTION, limitOf, limitsGiven } from '../known-limits.js';
import { named } from '../printable.js';
import { reportOn, reportText } from '../quota-report.js';

export const inspect: Command = {
  name: 'inspect',
  words: ['KEY'],
  about: 'what is stored for a caller: use, blocks and holds under every policy',
  details: [
    'A full quota leaves nothing in Redis, so it is not listed. Redis does not keep the limits of definitions:',
    'what remains is shown for limits that were set at run time, and for those that --limit gives.',
    'Exits with 1 if nothing is stored for the key.',
  ],
  options: { limit: LIMIT_OPTION },
  async run(session, { words: [given], options }) {
    const { terminal } = session;
    const key = session.callerOf(given!);
    const limits = limitsGiven(options.limit);
    const quotas = await quotasOf(session, key);
    for (const quota of quotas) {
      const report = await reportOn(session, key, quota, await limitOf(session, quota.policy, key, limits));
      terminal.say(report, reportText(report));
    }
    const own = [...(await session.limits()).keys()].map(partsOf).filter((entry) => entry.key === key);
    for (const { id } of own) terminal.note(`${named(key)} has a limit of its own under ${named(id)}.`);
    if (quotas.length > 0) return EXIT.done;
    terminal.note(`Nothing is stored for ${named(key)}: its quotas are full, and nothing blocks it.`);
    return EXIT.nothing;
  },
};
