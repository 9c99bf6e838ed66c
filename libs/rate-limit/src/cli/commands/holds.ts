import { algorithmOf } from '../../core/algorithms/index.js';
import type { Command } from '../command.js';
import { EXIT, WrongUse } from '../exit-code.js';
import { quotasOf } from '../found-quotas.js';
import { LIMIT_OPTION, limitOf, limitsGiven } from '../known-limits.js';
import { named } from '../printable.js';
import { spanText } from '../span-text.js';
import { lowestLimit, withNumbers } from '../stored-policy.js';

export const holds: Command = {
  name: 'holds',
  words: ['POLICY', 'KEY'],
  about: 'what a caller holds: slots in use, and reservations that are not settled',
  details: ['At most 1,000 of a quota. Exits with 1 if nothing is held.'],
  options: {},
  async run(session, { words: [policy, given] }) {
    const key = session.callerOf(given!);
    let count = 0;
    for (const { policy: found } of await quotasOf(session, key, policy)) {
      const reading = withNumbers(found, { limit: lowestLimit(found) });
      for (const { id, cost, expiresIn } of await session.store.holds(reading, key)) {
        count++;
        session.terminal.say(
          { hold: id, cost, expiresIn, id: found.id, key },
          `${named(id)}  ${cost} held, expires in ${spanText(expiresIn)}  ${named(found.id)}`,
        );
      }
    }
    if (count > 0) return EXIT.done;
    session.terminal.note(`${named(key)} holds nothing under ${named(policy!)}.`);
    return EXIT.nothing;
  },
};

export const release: Command = {
  name: 'release',
  words: ['POLICY', 'KEY', 'HOLD'],
  about: 'free a hold, and give back what it holds',
  details: [
    'HOLD is as holds shows it. A reservation under a quota is given back by its limit, so that must be known: --limit.',
    'Exits with 1 if there is no such hold.',
  ],
  options: { limit: LIMIT_OPTION },
  async run(session, { words: [policy, given, hold], options }) {
    const key = session.callerOf(given!);
    const limits = limitsGiven(options.limit);
    for (const { policy: found } of await quotasOf(session, key, policy)) {
      const reading = withNumbers(found, { limit: lowestLimit(found) });
      if (!(await session.store.holds(reading, key)).some(({ id }) => id === hold)) continue;
      const known = await limitOf(session, found, key, limits);
      const isSlot = algorithmOf(found.algorithm).countsHolds === true;
      if (!isSlot && known.limit === undefined) {
        throw new WrongUse(`the limit of ${named(found.id)} is not known: give --limit ${named(found.name)}=N`);
      }
      const settled = await session.store.settle(
        { policy: isSlot ? reading : withNumbers(found, known), key, id: hold! },
        0,
      );
      if (!settled) break;
      session.terminal.say({ released: hold, id: found.id, key }, `${named(hold!)} is free.`);
      return EXIT.done;
    }
    session.terminal.note(`${named(key)} has no hold ${named(hold!)} under ${named(policy!)}.`);
    return EXIT.nothing;
  },
};
