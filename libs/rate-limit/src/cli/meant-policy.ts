import { partsOf } from '../core/limit-book.js';
import { checkedPolicy } from '../core/policy.js';
import type { AlgorithmName } from '../core/algorithms/index.js';
import type { WindowDefinition } from '../core/window-of.js';
import type { CommandOption, OptionValues } from './command.js';
import { WrongUse } from './exit-code.js';
import { idsUnder } from './found-quotas.js';
import { named } from './printable.js';
import type { Session } from './session.js';
import { isMeantBy, policyOfId, type StoredPolicy } from './stored-policy.js';

/** Options that give a policy's id if nothing of it is stored. */
export const ID_OPTIONS: Readonly<Record<string, CommandOption>> = {
  window: { type: 'string', value: 'WINDOW', about: "the window of the policy's definition: 1m, day" },
  algorithm: { type: 'string', value: 'NAME', about: "the algorithm of the policy's definition" },
};

/**
 * The policy whose limit is meant: by its id, or by its name if the options or stored keys show the id.
 *
 * @throws WrongUse where that is not clear
 */
export async function meantPolicy(session: Session, meant: string, options: OptionValues): Promise<StoredPolicy> {
  if (meant.startsWith('@')) throw new WrongUse("a handler's own quota has no limit that can be set; set the policy's");
  const ids = await idsMeant(session, meant, options);
  if (ids.length === 1) return policyOfId(ids[0]!)!;
  throw new WrongUse(
    ids.length === 0
      ? `nothing is stored for the policy ${named(meant)}: give --window and --algorithm as in its definition`
      : `${named(meant)} may be ${ids.map(named).join(' or ')}: give one of these in its place`,
  );
}

async function idsMeant(session: Session, meant: string, { window, algorithm }: OptionValues): Promise<string[]> {
  if (window !== undefined || algorithm !== undefined) {
    const definition = {
      name: meant,
      limit: 1,
      ...(window !== undefined && { window: window as WindowDefinition }),
      ...(algorithm !== undefined && { algorithm: algorithm as AlgorithmName }),
    };
    return [checkedPolicy(definition).id];
  }
  if (policyOfId(meant)) return [meant];
  const inBook = [...(await session.limits()).keys()].map((name) => partsOf(name).id);
  const known = new Set(inBook.filter((id) => isMeantBy(meant, id)));
  return known.size > 0 ? [...known] : idsUnder(session, meant);
}
