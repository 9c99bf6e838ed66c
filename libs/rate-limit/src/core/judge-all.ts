import type { Judgement, Quota } from './algorithm.js';
import { algorithmOf, hasSlots } from './algorithms/index.js';
import { extended, raised, standing, underBlock, type BlockRule, type BlockState } from './blocks/block.js';
import type { Decision } from './decision.js';
import type { Hit } from './hit.js';
import { GUESS } from './holds/guess.js';
import {
  freeOfHeld,
  heldUnits,
  recorded,
  settled,
  slotsOf,
  withoutAbandoned,
  withRoom,
  type HeldUnits,
  type Holds,
} from './holds/held-units.js';
import type { HoldRequest } from './holds/hold-request.js';
import type { Policy } from './policy.js';

/** A hit, with what is stored for its policy and key. */
export interface Claim {
  /** The hit's policy. */
  readonly policy: Policy;
  /** The hit's cost, in units. */
  readonly cost: number;
  /** The hit's `hold`. */
  readonly hold?: HoldRequest | undefined;
  /** The hit's `patience`. */
  readonly patience?: number | undefined;
  /** The state that the last charge left; `undefined`: a full quota. */
  readonly state: unknown;
  /** The stored block, if the policy has `blockFor`. */
  readonly block?: BlockState | undefined;
  /** The open holds: of a hit with a `hold`, under `concurrency`, and of a policy with both `blockFor` and `considersHolds`. */
  readonly holds?: Holds | undefined;
}

/** The answer to a claim, and what to keep from now on. */
export interface Outcome {
  /** The answer to the hit. */
  readonly decision: Decision;
  /** The very same object when nothing changed; `undefined`: a full quota, so nothing needs to be kept. */
  readonly state: unknown;
  /** `undefined`: there is no block to keep. */
  readonly block: BlockState | undefined;
  /** How long the block lasts that the hit begins, in milliseconds; absent: it begins none. */
  readonly begun?: number | undefined;
  /** What to keep under the id of the hit's `hold`; `undefined`: nothing is held. */
  readonly held: HeldUnits | undefined;
  /** The ids of holds to remove: they were abandoned and gave back. */
  readonly abandoned: readonly string[];
}

const NONE: readonly string[] = [];

/** A judgement, and what is special about it. */
interface Verdict {
  readonly judgement: Judgement<unknown>;
  /** The units to charge. */
  readonly units: number;
  /** The claim's state, after abandoned holds gave back. */
  readonly before: unknown;
  readonly abandoned: readonly string[];
  /** Whether only held units caused the denial. */
  readonly isGuess: boolean;
  /** Above 0 for a hit that is charged ahead of time. */
  readonly startsIn: number;
  /** Whether a block denies it. */
  readonly isBlocked: boolean;
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
  const verdicts: Verdict[] = [];
  let isDenied = false;
  for (let i = 0; i < claims.length; i++) {
    const verdict = verdictOn(claims[i]!, now);
    isDenied ||= !verdict.judgement.allowed || verdict.isBlocked;
    verdicts.push(verdict);
  }
  const outcomes: Outcome[] = [];
  for (let i = 0; i < claims.length; i++) outcomes.push(outcomeOf(claims[i]!, verdicts[i]!, isDenied, now));
  return outcomes;
}

/** Judges a request of one hit, as {@link judgeAll} does. */
export function judgeOne(claim: Claim, now: number): Outcome {
  const verdict = verdictOn(claim, now);
  return outcomeOf(claim, verdict, !verdict.judgement.allowed || verdict.isBlocked, now);
}

/** The answer to a hit under a policy without blocks. */
export const decisionOf = (
  { limit }: Quota,
  { allowed, remaining, resetAfter, retryAfter }: Judgement<unknown>,
): Decision => ({ allowed, limit, remaining, resetAfter, retryAfter, by: 'store' });

/** What is kept after a hold is settled. */
export interface Settlement {
  /** `undefined`: a full quota. */
  readonly state: unknown;
  /** `undefined`: there is no block to keep. */
  readonly block: BlockState | undefined;
  /** How long the block lasts that the settlement begins, in milliseconds; absent: it begins none. */
  readonly begun?: number | undefined;
}

/**
 * Settles an open hold, as if its hit had cost `cost`. A block begins if that is final, counts, and nothing is left.
 *
 * @param claim the policy, its state and block, and its holds without this one
 */
export function settleOne(
  { policy, state, block, holds }: Claim,
  held: HeldUnits,
  cost: number,
  now: number,
): Settlement {
  const after = settled(policy, state, held, cost, now);
  const rule = policy.blocks;
  if (!rule || cost === 0) return { state: after, block };
  const { byMark } = algorithmOf(policy.algorithm);
  const isBare = !byMark || held.mark < 0;
  const counts = isBare || (after !== undefined && byMark.counting(policy, after, held.mark, cost, now) > 0);
  const before = standing(block, now);
  const isGone = counts && before.left === 0 && freeOfHeld(policy, after, holds, now) <= 0;
  const begun = isGone ? raised(rule, before.state, now) : undefined;
  return { state: after, block: begun ?? before.state, begun: begun?.span };
}

/** Whether what others hold matters to a denial of a hit. */
export const considersHolds = ({ policy, hold }: Pick<Hit, 'policy' | 'hold'>): boolean =>
  hold !== undefined || (policy.blocks !== undefined && policy.considersHolds);

const judged = ({ policy }: Claim, state: unknown, cost: number, now: number): Judgement<unknown> =>
  algorithmOf(policy.algorithm).judge(policy, state, cost, now);

function verdictOn(claim: Claim, now: number): Verdict {
  const { policy, cost, holds, patience } = claim;
  // A block lets callers look and give back.
  const isBlocked = policy.blocks !== undefined && cost > 0 && standing(claim.block, now).left > 0;
  const before = hasSlots(policy) ? slotsOf(holds, policy, now) : claim.state;
  if (policy.mode === 'record' && cost > 0) {
    const { state, units } = recorded(policy, before, cost, now);
    const judgement = judged(claim, state, 0, now);
    return { judgement, units, before, abandoned: NONE, isGuess: false, startsIn: 0, isBlocked: false };
  }
  const judgement = judged(claim, before, cost, now);
  const verdict = { judgement, units: cost, before, abandoned: NONE, isGuess: false, startsIn: 0, isBlocked };
  if (judgement.allowed || judgement.retryAfter < 0 || isBlocked) return verdict;
  if (patience !== undefined && judgement.retryAfter <= patience) return inTurn(claim, verdict, now);
  if (hasSlots(policy)) return { ...verdict, isGuess: true };
  return holds && considersHolds(claim) ? besideHolds(claim, verdict, holds, now) : verdict;
}

/** Charges a denied hit ahead of time. */
function inTurn(claim: Claim, denied: Verdict, now: number): Verdict {
  const { policy, cost } = claim;
  const { retryAfter } = denied.judgement;
  const roomy = withRoom(policy, Math.ceil((retryAfter * policy.limit) / policy.window));
  const { state } = algorithmOf(policy.algorithm).judge(roomy, denied.before, cost, now);
  return { ...denied, judgement: judged(claim, state, 0, now), startsIn: retryAfter };
}

/** A denial beside open holds: abandoned ones give back first, and final charges alone might not have denied. */
function besideHolds(claim: Claim, denied: Verdict, holds: Holds, now: number): Verdict {
  const { policy, cost } = claim;
  const { state, ids } = withoutAbandoned(policy, denied.before, holds, now);
  const judgement = ids.length > 0 ? judged(claim, state, cost, now) : denied.judgement;
  const verdict = { ...denied, judgement, before: state, abandoned: ids };
  if (judgement.allowed || cost > freeOfHeld(policy, state, holds, now)) return verdict;
  const retryAfter = Math.min(GUESS, judgement.retryAfter);
  return { ...verdict, judgement: { ...judgement, retryAfter }, isGuess: true };
}

function outcomeOf(claim: Claim, verdict: Verdict, isDenied: boolean, now: number): Outcome {
  const { policy, cost, hold } = claim;
  const { judgement, units, before, abandoned, isGuess, startsIn, isBlocked } = verdict;
  // Beside a denied hit, one that would have passed only looks.
  const final = isDenied && judgement.allowed ? judged(claim, before, 0, now) : judgement;
  const isSlot = hasSlots(policy);
  const state = isSlot ? undefined : final.state;
  // A look takes no slot.
  const isHeld = hold !== undefined && !isDenied && !(isSlot && cost === 0);
  const held = isHeld ? heldUnits(policy, hold, units, state, now) : undefined;
  const decision = decisionOf(policy, final);
  const marked = isGuess && !final.allowed ? { ...decision, isGuess } : decision;
  const answer = startsIn > 0 && !isDenied ? { ...marked, startsIn } : marked;
  if (!policy.blocks) return { decision: answer, state, block: undefined, held, abandoned };

  const standingBefore = standing(claim.block, now);
  const mayBegin = !isGuess && claim.patience === undefined;
  const block = blockAfter(policy.blocks, standingBefore.state, isBlocked, mayBegin, judgement, now);
  const begun = block !== standingBefore.state && !isBlocked ? block!.span : undefined;
  const { left } = block === standingBefore.state ? standingBefore : standing(block, now);
  if (left === 0) return { decision: answer, state, block, held, abandoned };
  const counted = policy.mode === 'record' ? 0 : cost;
  const { remaining, resetAfter, retryAfter, blockedFor } = underBlock(policy, final, counted, final.retryAfter, left);
  const allowed = final.allowed && !isBlocked;
  return {
    decision: { allowed, limit: policy.limit, remaining, resetAfter, retryAfter, by: 'store', blockedFor },
    state,
    block,
    begun,
    held,
    abandoned,
  };
}

/** The block after a hit: the hit begins one when its quota denies it, and extends one where the rule says so. */
function blockAfter(
  rule: BlockRule,
  block: BlockState | undefined,
  isBlocked: boolean,
  mayBegin: boolean,
  { allowed, retryAfter }: Judgement<unknown>,
  now: number,
): BlockState | undefined {
  // A hit that can never pass neither begins a block nor extends one.
  if (retryAfter < 0) return block;
  if (isBlocked) return rule.extend ? extended(block!, now) : block;
  return allowed || !mayBegin ? block : (raised(rule, block, now) ?? block);
}
