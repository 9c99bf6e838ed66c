import { after, isPromise } from '../../core/after.js';
import { ask } from '../../core/ask.js';
import type { Decision } from '../../core/decision.js';
import { isStoreUnavailable } from '../../core/errors.js';
import { checkHits, type Hit } from '../../core/hit.js';
import { mergingHits } from '../../core/merging-hits.js';
import { inShadow, isInShadow, unjudged } from '../../core/shadow.js';
import { WrappingStore } from '../wrapping.store.js';

/**
 * Judges the policies in shadow after all others. They never deny. The enforced hits of a request are judged
 * first, all or none. If they pass, each hit in shadow is charged by itself, as if it were the only one. If they are denied,
 * or the store does not answer, those in shadow are not judged: a request must not wait for the store twice.
 *
 * So a request under both kinds takes two commands. The inner stores treat policies in shadow like others, but keep their
 * blocks under another key.
 */
export class ShadowStore extends WrappingStore {
  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    return hasShadow(hits) ? this.apart(hits) : this.inner.consume(hits);
  }

  private apart(given: readonly Hit[]): Decision[] | Promise<Decision[]> {
    checkHits(given);
    // The caller may change its hits meanwhile.
    const hits = given.map((hit) => ({ ...hit }));
    const enforced = hits.filter(({ policy }) => !isInShadow(policy));
    const shadowed = hits.filter(({ policy }) => isInShadow(policy));
    const judged = enforced.length > 0 ? this.inner.consume(enforced) : [];
    return after(judged, (decisions) => {
      const isJudged = decisions.every(({ allowed, by }) => allowed && by !== 'local' && by !== 'open');
      const seen = isJudged ? mergingHits(shadowed, this.judgeEach) : shadowed.map(({ policy }) => unjudged(policy));
      return after(seen, (others) => {
        let [next, nextShadow] = [0, 0];
        return hits.map(({ policy }) => (isInShadow(policy) ? others[nextShadow++]! : decisions[next++]!));
      });
    });
  }

  /** Each hit is a request of its own. On Redis they still share a command. */
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
