import type { LiveMode } from '../core/limit-book.js';
import { algorithmOf } from '../core/algorithms/index.js';
import { blocksLeft } from '../stores/redis/stored-blocks.js';
import { BESIDE } from '../stores/redis/wire/keys.js';
import type { FoundQuota } from './found-quotas.js';
import type { KnownLimit, LimitOrigin } from './known-limits.js';
import { named } from './printable.js';
import type { Session } from './session.js';
import { spanText } from './span-text.js';
import { largestLimit, needsLimit, withNumbers } from './stored-policy.js';

/** What is known of a quota. What is not known is `null`. Spans are milliseconds. */
export interface QuotaReport {
  readonly policy: string;
  readonly id: string;
  readonly key: string;
  readonly algorithm: string;
  readonly window: number | string | null;
  readonly limit: number | null;
  /** Where the limit is known from. */
  readonly limitFrom: NonNullable<LimitOrigin> | null;
  /** If it was set at run time: Redis does not keep the modes of definitions. */
  readonly mode: LiveMode | null;
  readonly used: number | null;
  readonly remaining: number | null;
  readonly resetAfter: number | null;
  readonly blockedFor: number;
  readonly shadowBlockedFor: number;
  /** Slots in use, or reservations that are not settled; 1,000 at most. */
  readonly holds: number;
}

interface Spent {
  readonly used: number | null;
  readonly remaining: number | null;
  readonly resetAfter: number | null;
}

export async function reportOn(
  session: Session,
  key: string,
  quota: FoundQuota,
  known: KnownLimit,
): Promise<QuotaReport> {
  const { policy, state } = quota;
  const slots = algorithmOf(policy.algorithm).countsHolds === true;
  // Holds are read by policy and key; its numbers do not matter for that.
  const unlimited = withNumbers(policy, { limit: slots ? 1 : Math.min(largestLimit(policy), 1_000) });
  const holds = slots || quota.stored.has(state + BESIDE.holds) ? await session.store.holds(unlimited, key) : [];
  const { used, remaining, resetAfter } = slots
    ? slotsOf(holds.length, known)
    : await spentOf(session, key, quota, known);
  const blocks = [state + BESIDE.block, state + BESIDE.shadowBlock];
  const [blockedFor, shadowBlockedFor] = await blocksLeft(
    session.client,
    blocks,
    await session.time(),
    session.timeout,
  );
  return {
    policy: policy.name,
    id: policy.id,
    key,
    algorithm: policy.algorithm,
    window: policy.window ?? null,
    limit: known.limit ?? null,
    limitFrom: known.origin ?? null,
    mode: known.mode ?? null,
    used,
    remaining: blockedFor! > 0 && remaining !== null ? 0 : remaining,
    resetAfter,
    blockedFor: blockedFor!,
    shadowBlockedFor: shadowBlockedFor!,
    holds: holds.length,
  };
}

const slotsOf = (inUse: number, { limit }: KnownLimit): Spent => ({
  used: inUse,
  remaining: limit === undefined ? null : Math.max(0, limit - inUse),
  resetAfter: null,
});

/** Looks as the application does. A bucket is never judged by another limit, because that would refill it at a wrong rate. */
async function spentOf(
  session: Session,
  key: string,
  { policy, state, stored }: FoundQuota,
  known: KnownLimit,
): Promise<Spent> {
  const isKnown = known.limit !== undefined;
  if (!stored.has(state))
    return { used: 0, remaining: isKnown ? (known.burst ?? known.limit ?? null) : null, resetAfter: 0 };
  if (!isKnown && needsLimit(policy)) return { used: null, remaining: null, resetAfter: null };
  const judging = withNumbers(policy, isKnown ? known : { limit: largestLimit(policy) });
  const [look] = await session.store.consume([{ policy: judging, key, cost: 0 }]);
  const { remaining, resetAfter } = look!;
  return { used: judging.burst - remaining, remaining: isKnown ? remaining : null, resetAfter };
}

/** The report as a line for people. */
export function reportText(report: QuotaReport): string {
  const { policy, id, limit, mode, used, remaining, resetAfter, blockedFor, shadowBlockedFor, holds, algorithm } =
    report;
  const parts = [
    used === null
      ? `used: unknown, because a bucket refills by its limit; give --limit ${named(policy)}=N`
      : `used ${used}`,
    remaining !== null && `${remaining} of ${limit} left`,
    remaining === null && used !== null && 'limit unknown: give --limit to see what is left',
    resetAfter !== null && resetAfter > 0 && `more in ${spanText(resetAfter)}`,
    blockedFor > 0 && `BLOCKED for ${spanText(blockedFor)}`,
    shadowBlockedFor > 0 && `would be blocked for ${spanText(shadowBlockedFor)} (shadow)`,
    mode !== null && `set to ${mode}`,
    holds > 0 && algorithm !== 'concurrency' && `${holds === 1_000 ? '1000 or more' : holds} open holds`,
  ];
  return `${named(id)}  ${parts.filter((part) => part !== false).join(', ')}`;
}
