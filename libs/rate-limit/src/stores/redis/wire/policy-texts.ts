import { algorithmOf } from '../../../core/algorithms/index.js';
import type { BlockRule } from '../../../core/blocks/block.js';
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

/** The arguments that describe a policy to the script. They are made once for each policy, or for each calendar window. */
export class PolicyTexts {
  private readonly known = new WeakMap<Policy, Texts>();

  /** @param shortestLife of a key, in milliseconds */
  constructor(private readonly shortestLife: number) {}

  /**
   * In the order of the frame's `policy`.
   *
   * @param now the time to judge by, or '' for the server's
   * @param clock the estimate of the server's clock, if there is one
   */
  of(policy: Policy, now: string, clock: ServerClock | undefined): readonly string[] {
    const known = this.known.get(policy);
    if (known && known.until === Infinity) return known.list;
    if (!policy.period.isCalendar) return this.keep(policy, this.spanOf(policy));
    const time = (now === '' ? (clock?.at(performance.now()) ?? Date.now()) : Number(now)) - BEFORE;
    if (known && time >= known.from && time < known.until) return known.list;
    return this.keep(policy, this.calendarOf(policy, time));
  }

  ofRule(rule: BlockRule): string {
    return `${this.shortestLife} ${rule.text}`;
  }

  private keep(policy: Policy, texts: Texts): readonly string[] {
    this.known.set(policy, texts);
    return texts.list;
  }

  private spanOf(policy: Policy): Texts {
    const life = Math.max(this.shortestLife, keyLifetime(policy));
    return { list: listOf({ ...policy, life }), from: -Infinity, until: Infinity };
  }

  private calendarOf({ algorithm, limit, period }: Policy, time: number): Texts {
    const { start, end } = period.boundsAt(time);
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
