import { checkHits, type Hit } from '../core/hit.js';
import { atMost, type Policy } from '../core/policy.js';

/** One quota is judged once, under one policy. Without this the first of several would decide, however generous. */
export function byStrictest(hits: readonly Hit[]): readonly Hit[] {
  if (hits.length < 2) return hits;
  checkHits(hits);
  const quotaOf = ({ policy, key }: Hit): string => `${policy.id}\n${key}`;
  const strictest = new Map<string, Policy>();
  let isMixed = false;
  for (const hit of hits) {
    const quota = quotaOf(hit);
    const known = strictest.get(quota);
    strictest.set(quota, known ? atMost(known, hit.policy) : hit.policy);
    if (known && known !== hit.policy) isMixed = true;
  }
  return isMixed ? hits.map((hit) => ({ ...hit, policy: atMost(hit.policy, strictest.get(quotaOf(hit))!) })) : hits;
}
