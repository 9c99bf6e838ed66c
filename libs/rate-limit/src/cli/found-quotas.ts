import { scan } from '../stores/redis/scan.js';
import { BESIDE, partitionOf } from '../stores/redis/wire/keys.js';
import { literally } from '../stores/redis/wire/patterns.js';
import type { Session } from './session.js';
import { isMeantBy, policyOfId, type StoredPolicy } from './stored-policy.js';

/** What is stored for one policy and key. */
export interface FoundQuota {
  readonly policy: StoredPolicy;
  /** Where its state is, or would be. */
  readonly state: string;
  /** The keys that are there. */
  readonly stored: ReadonlySet<string>;
}

const ENDINGS = Object.values(BESIDE);

/** What is stored for a key, by policy. Policies whose quota is full have left nothing. */
export async function quotasOf(session: Session, key: string, meant?: string): Promise<FoundQuota[]> {
  const opening = `${session.keys.opening}${partitionOf(key)}}:`;
  const found = new Map<string, Set<string>>();
  for await (const { keys } of scan(session.client, `${literally(opening)}*`, session.timeout)) {
    for (const stored of keys) {
      const rest = stored.slice(opening.length);
      const id = withoutEnding(rest);
      found.set(id, (found.get(id) ?? new Set()).add(stored));
    }
  }
  return [...found].sort().flatMap(([id, stored]) => {
    const policy = policyOfId(id);
    if (!policy || (meant !== undefined && !isMeantBy(meant, id))) return [];
    return [{ policy, state: opening + id, stored }];
  });
}

/** The ids that a policy's name stands for, by what is stored for any caller. */
export async function idsUnder(session: Session, name: string): Promise<string[]> {
  const pattern = `${literally(session.keys.opening)}*${literally(`}:${name}:`)}*`;
  const ids = new Set<string>();
  for await (const { keys } of scan(session.client, pattern, session.timeout)) {
    for (const stored of keys) {
      const id = withoutEnding(session.keys.partsOf(stored)?.rest ?? '');
      if (isMeantBy(name, id)) ids.add(id);
    }
  }
  return [...ids].sort();
}

function withoutEnding(rest: string): string {
  const ending = ENDINGS.find((each) => rest.endsWith(each));
  return ending === undefined ? rest : rest.slice(0, -ending.length);
}
