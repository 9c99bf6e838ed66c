import { entryName, type LimitNumbers } from '../core/limit-book.js';
import type { CommandOption } from './command.js';
import { WrongUse } from './exit-code.js';
import type { Session } from './session.js';
import { withNumbers, type StoredPolicy } from './stored-policy.js';

/** Where a limit is known from. `undefined`: Redis does not keep the limits of definitions. */
export type LimitOrigin = 'option' | 'override' | 'set' | undefined;

export interface KnownLimit extends LimitNumbers {
  readonly origin: LimitOrigin;
}

export const LIMIT_OPTION: CommandOption = {
  type: 'string',
  multiple: true,
  value: 'POLICY=N[/BURST]',
  about: "the limit of a policy's definition, and its burst; may be given several times",
};

/** The limits that the command line gives, by name or id. */
export function limitsGiven(given: unknown): ReadonlyMap<string, LimitNumbers> {
  const limits = new Map<string, LimitNumbers>();
  for (const text of (given ?? []) as readonly string[]) {
    const [, policy, limit, burst] = /^(.+)=(\d{1,15})(?:\/(\d{1,15}))?$/s.exec(text) ?? [];
    if (policy === undefined) throw new WrongUse(`--limit must be like login=5 or api=100/20, got ${text}`);
    limits.set(policy, { limit: Number(limit), burst: burst === undefined ? undefined : Number(burst) });
  }
  return limits;
}

/**
 * The limit of a caller under a policy, as far as it is known. The key's own comes first, then that of all keys, then
 * `given`. Limits that cannot be used are passed over: applications ignore them too. The mode is known if it was set.
 */
export async function limitOf(
  session: Session,
  policy: StoredPolicy,
  key: string,
  given: ReadonlyMap<string, LimitNumbers>,
): Promise<KnownLimit> {
  const { id, name } = policy;
  const book = await session.limits();
  const [override, set] = [book.get(entryName(id, key)), book.get(id)];
  const mode = override?.mode ?? set?.mode;
  if (isUsable(policy, override)) return { ...override, mode, origin: 'override' };
  if (isUsable(policy, set)) return { ...set, mode, origin: 'set' };
  const option = given.get(id) ?? given.get(name);
  return { ...option, mode, origin: option && 'option' };
}

function isUsable(policy: StoredPolicy, numbers: LimitNumbers | undefined): numbers is LimitNumbers {
  if (numbers?.limit === undefined) return false;
  try {
    withNumbers(policy, numbers);
    return true;
  } catch {
    return false;
  }
}
