import { oneLine } from '../../../core/shown.js';
import type { LiveMode } from '../../../core/limit-book.js';
import { isUnder, schemeOf } from '../../../engine/identity/key-schemes.js';
import type { DenyOptions, ListEntry } from '../../../engine/lists/list.js';
import type { ListOptions, Lists } from '../../../engine/lists/lists.js';
import { schemesOf } from '../keys-of-requests.js';
import { counted, type Limited } from './policy-lines.js';

const MOST_NAMED = 3;

/**
 * What the module's lists do.
 *
 * @param handlers how many handlers there are, limited or not
 */
export function listLines(
  { allow, deny, mode }: ListOptions & { readonly mode?: LiveMode | undefined },
  lists: Lists | undefined,
  limited: Limited,
  handlers: number,
): string[] {
  const lines: string[] = [];
  if (allow?.length) lines.push(`Allowed, without limits: ${counted(allow.length, 'entry', 'entries')}.`);
  const { list, status = 403 } = isDenyOptions(deny) ? deny : { list: deny ?? [] };
  if (list.length) {
    const partly = partlySeen(lists, limited, handlers);
    const what = mode === 'shadow' ? `In shadow, not denied with ${status}` : `Denied, with ${status}`;
    lines.push(`${what}: ${counted(list.length, 'entry', 'entries')}.${partly}`);
  }
  return lines;
}

/** A user or a tenant is found only by handlers that count by it. Where none does, a warning says so. */
function partlySeen(lists: Lists | undefined, limited: Limited, handlers: number): string {
  const partly: string[] = [];
  for (const key of lists?.deny?.keys ?? []) {
    if (!FOUND_BY_POLICIES.test(schemeOf(key) ?? '')) continue;
    const seeing = limited.filter(({ plan }) =>
      plan.all.some((rule) => {
        const schemes = schemesOf(rule);
        // The keys of a function may be any.
        return !schemes || isUnder(schemes, key);
      }),
    ).length;
    if (seeing === 0 || seeing === handlers) continue;
    if (partly.length === MOST_NAMED) return `${partly.join('')} …`;
    partly.push(` ${oneLine(key)} is refused by ${seeing} of ${handlers} handlers only.`);
  }
  return partly.join('');
}

/** Schemes of keys that are found only where a policy counts by them. Addresses and API keys are found on every request. */
export const FOUND_BY_POLICIES = /^(user|tenant|header\..+)$/;

const isDenyOptions = (deny: readonly ListEntry[] | DenyOptions | undefined): deny is DenyOptions =>
  deny !== undefined && !Array.isArray(deny);
