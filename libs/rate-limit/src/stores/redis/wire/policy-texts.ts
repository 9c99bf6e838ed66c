import { algorithmOf } from '../../../core/algorithms/index.js';
import type { BlockRule } from '../../../core/blocks/block.js';
import { LONGEST_HOLD } from '../../../core/holds/hold-request.js';
import type { Policy } from '../../../core/policy.js';
import type { ServerClock } from './clock.js';
import { entryNames } from './frame.js';

/** The arguments of a policy, and from when until when they hold: always, unless it has a calendar window. */
interface Texts {
  readonly list: readonly string[];
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

/**
 * In milliseconds. The script gets the bounds of the window that the server was in this long ago, and of the next one. So a
 * request around midnight finds its window there, even if our estimate of the server's clock is a little ahead.
 */
const BEFORE = 5_000;

/**
 * The time whose calendar windows the script gets, in milliseconds since the epoch.
 *
 * @param now the time to judge by, or '' for the server's
 * @param clock the estimate of the server's clock, if there is one
 */
export const presentBy = (now: string, clock: ServerClock | undefined): number =>
  (now === '' ? (clock?.at(performance.now()) ?? Date.now()) : Number(now)) - BEFORE;

/** The arguments that describe a policy to the script. They are made once for each policy, or for each calendar window. */
export class PolicyTexts {
  private readonly known = new WeakMap<Policy, Texts>();

  /** @param shortestLife of a key, in milliseconds */
  constructor(private readonly shortestLife: number) {}

  /**
   * In the order of the frame's `policy`.
   *
   * @param present what {@link presentBy} returns; any number for a policy without a calendar window
   */
  of(policy: Policy, present: number): readonly string[] {
    const known = this.known.get(policy);
    if (known && present >= known.from && present < known.until) return known.list;
    const texts = policy.period.isCalendar ? this.calendarOf(policy, present) : this.spanOf(policy);
    this.known.set(policy, texts);
    return texts.list;
  }

  /** How long the hash of a policy's holds lives, in milliseconds: as long as any hold can be kept. */
  lifeOfHolds(policy: Policy): number {
    return this.atLeast(LONGEST_HOLD + algorithmOf(policy.algorithm).longestLifetime(policy));
  }

  atLeast(life: number): number {
    return Math.max(this.shortestLife, life);
  }

  ofRule(rule: BlockRule): string {
    return `${this.shortestLife} ${rule.text}`;
  }

  private spanOf(policy: Policy): Texts {
    const life = Math.max(this.shortestLife, keyLifetime(policy));
    return { list: listOf({ ...policy, life }), from: -Infinity, until: Infinity };
  }

  private calendarOf({ algorithm, limit, period }: Policy, present: number): Texts {
    const { start, end } = period.boundsAt(present);
    const bounds = [start, end, period.boundsAt(end).end].map((bound) => bound / 1_000).join(' ');
    const list = listOf({
      algorithm: algorithmOf(algorithm).calendarLua!,
      limit,
      window: period.longest,
      burst: bounds,
      life: this.shortestLife,
    });
    return { list, from: start, until: end };
  }
}

type Entries = Record<'algorithm' | 'limit' | 'window' | 'burst' | 'life', string | number>;

const listOf = (entries: Entries): readonly string[] => entryNames('policy').map((name) => String(entries[name]));

/**
 * How long a key lives at the most, in milliseconds. A log's lives a quarter longer than its charges count, so that not
 * every charge must renew it (lua/sliding-log.lua).
 */
function keyLifetime(policy: Policy): number {
  const longest = algorithmOf(policy.algorithm).longestLifetime(policy);
  return policy.algorithm === 'sliding-log' ? Math.ceil(1.25 * longest) : longest;
}
