import type { Judgement, Quota } from './algorithm.js';
import { algorithmOf } from './algorithms/index.js';
import { extended, raised, standing, underBlock, type BlockRule, type BlockState } from './blocks/block.js';
import type { Decision } from './decision.js';
import type { Policy } from './policy.js';

/** A hit, with what is stored for its policy and key. */
export interface Claim {
  /** The hit's policy. */
  readonly policy: Policy;
  /** The hit's cost, in units. */
  readonly cost: number;
  /** The state that the last charge left; `undefined`: a full quota. */
  readonly state: unknown;
  /** The stored block, if the policy has `blockFor`. */
  readonly block?: BlockState | undefined;
}

/** The answer to a claim, and what to keep from now on. */
export interface Outcome {
  /** The answer to the hit. */
  readonly decision: Decision;
  /** The very same object when nothing changed; `undefined`: a full quota, so nothing needs to be kept. */
  readonly state: unknown;
  /** `undefined`: there is no block to keep. */
  readonly block: BlockState | undefined;
}

/**
 * Judges the hits of one request together: either all of them are charged, or none is. No two claims may share a state
 * (`mergingHits` sees to that).
 *
 * Pure: a store reads the states, calls this, and writes what it returns, before it judges the next request.
 *
 * @param now milliseconds since the epoch, a whole number
 * @returns an outcome for each claim, in their order
 */
export function judgeAll(claims: readonly Claim[], now: number): Outcome[] {
  if (claims.length === 1) return [judgeOne(claims[0]!, now)];
  const judgements: Judgement<unknown>[] = [];
  let isDenied = false;
  for (let i = 0; i < claims.length; i++) {
    const judgement = judgementOf(claims[i]!, claims[i]!.cost, now);
    isDenied ||= !judgement.allowed || isDeniedByBlock(claims[i]!, now);
    judgements.push(judgement);
  }
  const outcomes: Outcome[] = [];
  for (let i = 0; i < claims.length; i++) outcomes.push(outcomeOf(claims[i]!, judgements[i]!, isDenied, now));
  return outcomes;
}

/** Judges a request of one hit, as {@link judgeAll} does. */
export function judgeOne(claim: Claim, now: number): Outcome {
  const judgement = judgementOf(claim, claim.cost, now);
  return outcomeOf(claim, judgement, !judgement.allowed || isDeniedByBlock(claim, now), now);
}

/** The answer to a hit under a policy without blocks. */
export const decisionOf = (
  { limit }: Quota,
  { allowed, remaining, resetAfter, retryAfter }: Judgement<unknown>,
): Decision => ({ allowed, limit, remaining, resetAfter, retryAfter, by: 'store' });

const judgementOf = ({ policy, state }: Claim, cost: number, now: number): Judgement<unknown> =>
  algorithmOf(policy.algorithm).judge(policy, state, cost, now);

/** Whether a block denies the hit. A block lets callers look and give back. */
const isDeniedByBlock = ({ policy, cost, block }: Claim, now: number): boolean =>
  policy.blocks !== undefined && block !== undefined && cost > 0 && standing(block, now).left > 0;

function outcomeOf(claim: Claim, judgement: Judgement<unknown>, isDenied: boolean, now: number): Outcome {
  const { policy, cost } = claim;
  // Beside a denied hit, one that would have passed only looks.
  const isLook = isDenied && judgement.allowed;
  const final = isLook ? judgementOf(claim, 0, now) : judgement;
  const { state } = final;
  if (!policy.blocks) return { decision: decisionOf(policy, final), state, block: undefined };

  const before = standing(claim.block, now);
  const isBlocked = before.left > 0 && cost > 0;
  const block = blockAfter(policy.blocks, before.state, isBlocked, judgement, now);
  const { left } = block === before.state ? before : standing(block, now);
  if (left === 0) return { decision: decisionOf(policy, final), state, block };
  const { remaining, resetAfter, retryAfter, blockedFor } = underBlock(policy, final, cost, final.retryAfter, left);
  const allowed = final.allowed && !isBlocked;
  return {
    decision: { allowed, limit: policy.limit, remaining, resetAfter, retryAfter, by: 'store', blockedFor },
    state,
    block,
  };
}

/** The block after a hit: the hit begins one when its quota denies it, and extends one where the rule says so. */
function blockAfter(
  rule: BlockRule,
  block: BlockState | undefined,
  isBlocked: boolean,
  { allowed, retryAfter }: Judgement<unknown>,
  now: number,
): BlockState | undefined {
  // A hit that can never pass neither begins a block nor extends one.
  if (retryAfter < 0) return block;
  if (isBlocked) return rule.extend ? extended(block!, now) : block;
  return allowed ? block : (raised(rule, block, now) ?? block);
}
