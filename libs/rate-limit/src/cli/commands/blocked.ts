import { callersUnder } from '../../stores/redis/blocked-callers.js';
import { BESIDE } from '../../stores/redis/wire/keys.js';
import { literally } from '../../stores/redis/wire/patterns.js';
import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { named } from '../printable.js';
import { spanText } from '../span-text.js';
import { isMeantBy } from '../stored-policy.js';

export const blocked: Command = {
  name: 'blocked',
  words: ['POLICY'],
  about: 'the callers that a policy blocks now',
  details: [
    'Redis looks at all of its keys, a thousand at a time. A caller may be listed twice. A key of more than 128 characters',
    'is stored as a digest, and shown as that: #…',
    'Exits with 1 if nobody is blocked.',
  ],
  options: { shadow: { type: 'boolean', about: 'list what a policy in shadow would block' } },
  async run({ client, keys, timeout, terminal }, { words: [policy], options }) {
    const ending = options.shadow ? BESIDE.shadowBlock : BESIDE.block;
    const pattern = `${literally(keys.opening)}*${literally(`}:${policy!}`)}*${literally(ending)}`;
    const idOf = (rest: string): string => rest.slice(0, -ending.length);
    const isMeant = (rest: string): boolean => rest.endsWith(ending) && isMeantBy(policy!, idOf(rest));
    let count = 0;
    for await (const caller of callersUnder(client, pattern, keys, isMeant, { timeout, now: undefined })) {
      const { key = null, digest, blockedFor, rest } = caller;
      count++;
      terminal.say(
        { key, ...(digest !== undefined && { digest }), blockedFor, id: idOf(rest) },
        `${digest ?? named(key!)}  ${spanText(blockedFor)}  ${named(idOf(rest))}`,
      );
    }
    if (count > 0) return EXIT.done;
    terminal.note(`Nobody is blocked under ${named(policy!)}.`);
    return EXIT.nothing;
  },
};
