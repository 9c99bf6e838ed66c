import { blocksLeft } from '../../stores/redis/stored-blocks.js';
import { BESIDE } from '../../stores/redis/wire/keys.js';
import type { Command } from '../command.js';
import { EXIT } from '../exit-code.js';
import { quotasOf } from '../found-quotas.js';
import { named } from '../printable.js';
import { removeKeys } from '../remove-keys.js';

export const unblock: Command = {
  name: 'unblock',
  words: ['POLICY', 'KEY'],
  about: 'end the block of a caller, and keep what is spent',
  details: [
    'A quota that is spent still denies, and that denial blocks again: to let a caller in, use reset.',
    'Applications see it within a second. Exits with 1 if the caller was not blocked.',
  ],
  options: { shadow: { type: 'boolean', about: 'end the block that a policy in shadow would have made' } },
  async run(session, { words: [policy, given], options }) {
    const { client, timeout, terminal } = session;
    const key = session.callerOf(given!);
    const ending = options.shadow ? BESIDE.shadowBlock : BESIDE.block;
    const quotas = (await quotasOf(session, key, policy)).filter(({ state, stored }) => stored.has(state + ending));
    const blocks = quotas.map(({ state }) => state + ending);
    const left = await blocksLeft(client, blocks, await session.time(), timeout);
    // Also a block that is over: what is known of its steps ends with it.
    await removeKeys(session, blocks);
    const ended = quotas.filter((_, i) => left[i]! > 0);
    for (const { policy: found } of ended) {
      terminal.say({ unblocked: key, id: found.id }, `${named(key)} is no longer blocked under ${named(found.id)}.`);
    }
    if (ended.length > 0) return EXIT.done;
    terminal.note(`${named(key)} was not blocked under ${named(policy!)}.`);
    return EXIT.nothing;
  },
};
