import {
  entryName,
  LIVE_MODES,
  MOST_LIMITS,
  partsOf,
  type LimitNumbers,
  type LiveMode,
} from '../../core/limit-book.js';
import { changedTo, overrideKeyOf, readNumbers } from '../../engine/limits/limit-change.js';
import type { Command, CommandOption, OptionValues } from '../command.js';
import { EXIT, WrongUse } from '../exit-code.js';
import { ID_OPTIONS, meantPolicy } from '../meant-policy.js';
import { named } from '../printable.js';
import type { Session } from '../session.js';
import { isMeantBy, lowestLimit, policyOfId, withNumbers } from '../stored-policy.js';

const KEY_OPTION: CommandOption = { type: 'string', value: 'KEY', about: 'the limit of this caller only' };

/** How often a change is tried again because another writer was first. */
const MOST_ATTEMPTS = 100;

export const limitsList: Command = {
  name: 'limits list',
  words: ['[POLICY]'],
  about: 'the limits that were set at run time',
  details: ['The limits of definitions are not in Redis. Exits with 1 if no limit is set.'],
  options: {},
  async run(session, { words: [policy] }) {
    const entries = [...(await session.limits())].sort(([a], [b]) => (a < b ? -1 : 1));
    let count = 0;
    for (const [name, entry] of entries) {
      const { id, key } = partsOf(name);
      if (!entry || (policy !== undefined && !isMeantBy(policy, id))) continue;
      count++;
      say(session, id, key, entry, entry.version);
    }
    if (count > 0) return EXIT.done;
    session.terminal.note('No limit is set: the definitions apply.');
    return EXIT.nothing;
  },
};

export const limitsSet: Command = {
  name: 'limits set',
  words: ['POLICY', '[LIMIT]'],
  about: 'set the limit of a policy, or of one caller, for all instances',
  details: [
    'POLICY is a name, or an id as limits list and inspect show it. Without LIMIT only --mode changes.',
    'Instances follow within a second. An instance ignores numbers that its definition cannot have, and logs that.',
  ],
  options: {
    key: KEY_OPTION,
    burst: { type: 'string', value: 'N', about: 'the most units at once: token-bucket and gcra only' },
    mode: { type: 'string', value: 'MODE', about: LIVE_MODES.join(' or ') },
    ...ID_OPTIONS,
  },
  async run(session, { words: [given, limit], options }) {
    const policy = await meantPolicy(session, given!, options);
    const key = keyOf(session, options);
    const asked = numbersOf(limit, options);
    for (let attempt = 1; ; attempt++) {
      const entry = (await session.store.limits.changesSince(0))?.entries.get(entryName(policy.id, key));
      const numbers = changedTo(asked, entry);
      // Throws for numbers that the policy cannot have.
      withNumbers(policy, { limit: lowestLimit(policy), ...defined(numbers) });
      const written = await session.store.limits.write(entryName(policy.id, key), numbers, entry?.version ?? 0);
      if (written.outcome === 'full')
        throw new WrongUse(`${MOST_LIMITS} limits are set already, which is the most: clear some`);
      if (written.outcome === 'changed') {
        if (attempt < MOST_ATTEMPTS) continue;
        throw new WrongUse('other writers change this limit all the time: try again');
      }
      say(session, policy.id, key, numbers, written.version);
      return EXIT.done;
    }
  },
};

export const limitsClear: Command = {
  name: 'limits clear',
  words: ['POLICY'],
  about: 'remove a limit that was set: the definition applies again',
  details: ["Clearing a policy's limit keeps those of single callers. Exits with 1 if there was none."],
  options: { key: KEY_OPTION },
  async run(session, { words: [policy], options }) {
    const key = keyOf(session, options);
    const ids = [...(await session.limits()).keys()]
      .map(partsOf)
      .filter((entry) => entry.key === key && isMeantBy(policy!, entry.id) && policyOfId(entry.id));
    for (const { id } of ids) {
      await session.store.limits.write(entryName(id, key), undefined);
      session.terminal.say({ cleared: id, key: key ?? null }, `cleared: ${named(id)}${ofKey(key)}`);
    }
    if (ids.length > 0) return EXIT.done;
    session.terminal.note(`No limit is set for ${named(policy!)}${ofKey(key)}.`);
    return EXIT.nothing;
  },
};

const ofKey = (key: string | undefined): string => (key === undefined ? '' : ` ${named(key)}`);

const defined = ({ limit, burst }: LimitNumbers): LimitNumbers => ({
  ...(limit !== undefined && { limit }),
  ...(burst !== undefined && { burst }),
});

const keyOf = (session: Session, { key }: OptionValues): string | undefined =>
  key === undefined ? undefined : session.callerOf(overrideKeyOf(key as string));

function numbersOf(limit: string | undefined, { burst, mode }: OptionValues): LimitNumbers {
  if (limit === undefined && mode === undefined) throw new WrongUse('give a LIMIT or a --mode');
  return readNumbers({
    ...(limit !== undefined && { limit: whole(limit, 'LIMIT') }),
    ...(burst !== undefined && { burst: whole(burst as string, '--burst') }),
    ...(mode !== undefined && { mode: mode as LiveMode }),
  });
}

function whole(text: string, what: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new WrongUse(`${what} must be a whole number, got ${named(text)}`);
}

function say(session: Session, id: string, key: string | undefined, numbers: LimitNumbers, version: number): void {
  const { limit = null, burst = null, mode = null } = numbers;
  const shown = [
    limit !== null && `limit ${limit}`,
    burst !== null && `burst ${burst}`,
    mode !== null && `mode ${mode}`,
  ];
  session.terminal.say(
    { id, policy: policyOfId(id)?.name ?? id, key: key ?? null, limit, burst, mode, version },
    `${named(id)}${ofKey(key)}  ${shown.filter((each) => each !== false).join(', ')}`,
  );
}
