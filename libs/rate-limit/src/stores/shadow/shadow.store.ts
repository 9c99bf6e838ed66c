import { after, isPromise } from '../../core/after.js';
import { ask } from '../../core/ask.js';
import { listing, type BlockedCaller, type BlockListingStore } from '../../core/blocks/blocked-caller.js';
import { blocking, type BlockingStore } from '../../core/blocks/blocking-store.js';
import type { Decision } from '../../core/decision.js';
import { isStoreUnavailable } from '../../core/errors.js';
import { checkHits, type Hit } from '../../core/hit.js';
import { holding, type Held, type HoldingStore, type OpenHold } from '../../core/holds/holding-store.js';
import { mergingHits } from '../../core/merging-hits.js';
import { inShadow, isInShadow, unjudged } from '../../core/shadow.js';
import type { Policy } from '../../core/policy.js';
import type { RateLimitStore } from '../../core/store.js';

/**
 * Judges the policies in shadow after all others, and lets none of them deny. The enforced hits of a request are judged
 * first, all or none. If they pass, each hit in shadow is charged by itself, as if it were the only one. If they are denied,
 * or the store does not answer about a hit in shadow, that hit is not judged.
 *
 * So a request under both kinds takes two commands. The inner stores need not know of shadow, except for blocks, which they
 * keep under another key.
 */
export class ShadowStore implements BlockingStore, BlockListingStore, HoldingStore {
  constructor(private readonly inner: RateLimitStore) {}

  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    return hasShadow(hits) ? this.apart(hits) : this.inner.consume(hits);
  }

  reset(policy: Policy, key: string): Promise<void> {
    return this.inner.reset(policy, key);
  }

  async block(policy: Policy, key: string, span: number): Promise<void> {
    await blocking(this.inner).block(policy, key, span);
  }

  async unblock(policy: Policy, key: string): Promise<void> {
    await blocking(this.inner).unblock(policy, key);
  }

  blocked(policy: Policy): AsyncIterable<BlockedCaller> {
    return listing(this.inner).blocked(policy);
  }

  async settle(held: Held, cost: number): Promise<boolean> {
    return holding(this.inner).settle(held, cost);
  }

  async renew(held: Held, ttl: number): Promise<boolean> {
    return holding(this.inner).renew(held, ttl);
  }

  async holds(policy: Policy, key: string): Promise<OpenHold[]> {
    return holding(this.inner).holds(policy, key);
  }

  private apart(given: readonly Hit[]): Decision[] | Promise<Decision[]> {
    checkHits(given);
    // The caller may change its hits meanwhile.
    const hits = given.map((hit) => ({ ...hit }));
    const enforced = hits.filter(({ policy }) => !isInShadow(policy));
    const shadowed = hits.filter(({ policy }) => isInShadow(policy));
    const judged = enforced.length > 0 ? this.inner.consume(enforced) : [];
    return after(judged, (decisions) => {
      const passes = decisions.every(({ allowed }) => allowed);
      const seen = passes ? mergingHits(shadowed, this.judgeEach) : shadowed.map(({ policy }) => unjudged(policy));
      return after(seen, (others) => {
        let [next, nextShadow] = [0, 0];
        return hits.map(({ policy }) => (isInShadow(policy) ? others[nextShadow++]! : decisions[next++]!));
      });
    });
  }

  /** Each by itself. On Redis they travel together even so. */
  private readonly judgeEach = (hits: readonly Hit[]): Decision[] | Promise<Decision[]> => {
    const answers = hits.map((hit) => this.judge(hit));
    return areKnown(answers) ? answers : Promise.all(answers.map((answer) => Promise.resolve(answer)));
  };

  private judge(hit: Hit): Decision | Promise<Decision> {
    return ask(
      this.inner,
      [hit],
      ([decision]) => inShadow(decision!),
      (error) => {
        // An outage is reported, and must not change the answer.
        if (isStoreUnavailable(error)) return unjudged(hit.policy);
        throw error;
      },
    );
  }
}

const areKnown = (answers: readonly (Decision | Promise<Decision>)[]): answers is Decision[] =>
  !answers.some(isPromise);

/** Hits may be malformed here: the inner store refuses them. */
function hasShadow(hits: readonly Hit[]): boolean {
  for (let i = 0; i < hits?.length; i++) if (hits[i]?.policy?.mode === 'shadow') return true;
  return false;
}
