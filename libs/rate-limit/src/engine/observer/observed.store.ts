import { after } from '../../core/after.js';
import type { Decision } from '../../core/decision.js';
import type { Hit } from '../../core/hit.js';
import type { RateLimitStore } from '../../core/store.js';
import { WrappingStore } from '../../stores/wrapping.store.js';
import { nearLimitOf } from './near-limit.js';
import type { SafeObserver } from './safe-observer.js';

/** Reports every decision of the inner store. It is the outermost wrapper, and used only where an observer is. */
export class ObservedStore extends WrappingStore {
  constructor(
    inner: RateLimitStore,
    private readonly observer: Pick<SafeObserver, 'judged' | 'nearLimit'>,
  ) {
    super(inner);
  }

  consume(hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
    const began = performance.now();
    return after(this.inner.consume(hits), (decisions) => {
      const { judged, nearLimit } = this.observer;
      if (hits.length > 0) judged?.(hits, decisions, performance.now() - began);
      if (nearLimit) for (const event of nearLimitOf(hits, decisions)) nearLimit(event);
      return decisions;
    });
  }
}
