import { algorithmOf } from '../../../core/algorithms/index.js';
import type { BlockRule } from '../../../core/blocks/block.js';
import type { Policy } from '../../../core/policy.js';
import { entryNames } from './frame.js';

/** The arguments that describe a policy to the script. They are made once for each policy. */
export class PolicyTexts {
  private readonly known = new WeakMap<Policy, readonly string[]>();

  /** @param shortestLife of a key, in milliseconds */
  constructor(private readonly shortestLife: number) {}

  /** In the order of the frame's `policy`. */
  of(policy: Policy): readonly string[] {
    let texts = this.known.get(policy);
    if (!texts) {
      const life = Math.max(this.shortestLife, keyLifetime(policy));
      const told = { ...policy, life };
      texts = entryNames('policy').map((name) => String(told[name]));
      this.known.set(policy, texts);
    }
    return texts;
  }

  ofRule(rule: BlockRule): string {
    return `${this.shortestLife} ${rule.text}`;
  }
}

/**
 * How long a key lives at the most, in milliseconds. A log's lives a quarter longer than its charges count, so that not
 * every charge must renew it (lua/sliding-log.lua).
 */
function keyLifetime(policy: Policy): number {
  const longest = algorithmOf(policy.algorithm).longestLifetime(policy);
  return policy.algorithm === 'sliding-log' ? Math.ceil(1.25 * longest) : longest;
}
