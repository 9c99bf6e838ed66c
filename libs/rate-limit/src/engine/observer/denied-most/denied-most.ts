import type { Clock } from '../../../core/clock.js';
import type { Decision } from '../../../core/decision.js';
import { MINUTE } from '../../../core/duration.js';
import type { Hit } from '../../../core/hit.js';
import { shortKey } from './short-key.js';
import { SpaceSaving } from './space-saving.js';

/** A caller that was denied, as `top()` lists it. */
export interface DeniedCaller {
  /** The partition that pays. It may identify a person. A key of more than 128 characters is shown shortened. */
  readonly key: string;
  /** How often it was denied: never too low. In shadow: how often it would have been. */
  readonly denials: number;
  /** By how much `denials` may be too high: 0 unless very many callers were denied. */
  readonly atMostTooHigh: number;
}

/** In milliseconds. Two halves are kept, so that denials of the last five to ten minutes are known. */
export const HALF = 5 * MINUTE;
const MOST_POLICIES = 200;
/** Of each policy, in each half. */
export const MOST_KEYS = 100;

type Half = Map<string, SpaceSaving>;

/**
 * The callers that each policy denied most in the last minutes, in this process. Its memory is bounded, and only denials
 * cost anything. Denials by lists are left out: the lists name these callers already.
 */
export class DeniedMost {
  private current: Half = new Map();
  private before: Half = new Map();
  private began: number;
  /** The policies that ever denied anybody, up to the number of those that are counted. */
  private readonly names = new Set<string>();

  /** @param now the monotonic clock, in milliseconds */
  constructor(private readonly now: Clock = () => performance.now()) {
    this.began = now();
  }

  /** Notes a hit if it was denied, or would have been if its policy were not in shadow. */
  note({ policy: { name }, key }: Hit, given: Decision): void {
    const { allowed, by } = given.shadow ?? given;
    if (allowed || by === 'list') return;
    this.turn();
    let ofPolicy = this.current.get(name);
    if (!ofPolicy) {
      if (this.current.size >= MOST_POLICIES) return;
      this.current.set(name, (ofPolicy = new SpaceSaving(MOST_KEYS)));
      if (this.names.size < MOST_POLICIES) this.names.add(name);
    }
    ofPolicy.add(shortKey(key));
  }

  /** Whether a policy of this name ever denied anybody. */
  knows(policy: string): boolean {
    return this.names.has(policy) || this.current.has(policy) || this.before.has(policy);
  }

  /** The callers that were denied most, the most denied first. */
  top(policy: string, most: number): DeniedCaller[] {
    this.turn();
    const halves = [this.current.get(policy), this.before.get(policy)].filter((half) => half !== undefined);
    const keys = new Set(halves.flatMap((half) => Array.from(half.entries(), ({ key }) => key)));
    const callers = Array.from(keys, (key) => {
      const counts = halves.map((half) => half.of(key));
      return {
        key,
        denials: sum(counts.map(({ count }) => count)),
        atMostTooHigh: sum(counts.map(({ atMostTooHigh }) => atMostTooHigh)),
      };
    });
    // Of two with the same count, the one with the smaller error comes first.
    callers.sort((a, b) => b.denials - a.denials || a.atMostTooHigh - b.atMostTooHigh);
    return callers.slice(0, most);
  }

  private turn(): void {
    const halves = Math.floor((this.now() - this.began) / HALF);
    if (halves < 1) return;
    this.before = halves === 1 ? this.current : new Map<string, SpaceSaving>();
    this.current = new Map();
    this.began += halves * HALF;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
