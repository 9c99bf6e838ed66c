import { after } from '../core/after.js';
import type { Decision } from '../core/decision.js';
import { checkHits, type Hit } from '../core/hit.js';
import type { LimiterParts } from './limiter-parts.js';
import { listedDecision, verdictOn } from './lists/listed-decision.js';
import type { OwnedLists } from './lists/owned-lists.js';
import { inShadow, isInShadow } from '../core/shadow.js';
import { eventOf } from './observer/event-of.js';
import { listListenerOf, type ListListener } from './observer/list-listener.js';

/**
 * Decides hits for which there is no request: those whose keys lists name by the lists, the others by the store.
 *
 * @param given the keys of the hits as they were given: lists know single addresses, where a key may be a whole line's
 */
export function decide(
  parts: LimiterParts,
  hits: readonly Hit[],
  given: readonly string[],
): Decision[] | Promise<Decision[]> {
  const listed = listedAmong(parts, hits, given, listListenerOf(parts.observer));
  if (!listed) return parts.store.consume(hits);

  const isDenied = listed.some((decision) => decision?.allowed === false);
  const others = hits.filter((_, i) => !listed[i]);
  if (others.length === 0) return together(parts, hits, listed, []);
  const judged = isDenied ? lookAt(parts, others) : parts.store.consume(others);
  return after(judged, (decisions) => together(parts, hits, listed, decisions));
}

/** Notes the denials among decisions, for `top()`. Not part of {@link decide}, where it would cost a promise. */
export function noteDenials({ deniedMost }: LimiterParts, hits: readonly Hit[], decisions: readonly Decision[]): void {
  for (let i = 0; i < hits.length; i++) deniedMost.note(hits[i]!, decisions[i]!);
}

/** Charges hits that cannot be denied. A key that an allow list names has a full quota that stays full. */
export function record(
  parts: LimiterParts,
  hits: readonly Hit[],
  given: readonly string[],
): Decision[] | Promise<Decision[]> {
  const listed = listedAmong(parts, hits, given)?.map((decision) => (decision?.allowed ? decision : undefined));
  if (!listed) return parts.store.consume(hits);
  const others = hits.filter((_, i) => !listed[i]);
  return after(parts.store.consume(others), (decisions) => together(parts, hits, listed, decisions));
}

/** The decisions of lists and of the store, in the order of the hits. Those of lists are reported here. */
function together(
  { observer: { checked } }: LimiterParts,
  hits: readonly Hit[],
  listed: readonly (Decision | undefined)[],
  judged: readonly Decision[],
): Decision[] {
  let next = 0;
  const decisions = hits.map((_, i) => listed[i] ?? judged[next++]!);
  if (checked) {
    const passed = decisions.every(({ allowed }) => allowed);
    checked(listed.flatMap((decision, i) => (decision ? [eventOf(hits[i]!, decision, passed, 0)] : [])));
  }
  return decisions;
}

/** Whether hits would pass, for which the store is only asked to look. So their events are not the store's. */
function lookAt({ unobserved, observer }: LimiterParts, hits: readonly Hit[]): Decision[] | Promise<Decision[]> {
  const began = performance.now();
  return after(unobserved.consume(hits.map(({ policy, key }) => ({ policy, key, cost: 0 }))), (looks) => {
    const duration = performance.now() - began;
    const decisions = looks.map((look, i) => wouldPass(hits[i]!, look));
    observer.checked?.(decisions.map((decision, i) => eventOf(hits[i]!, decision, false, duration)));
    return decisions;
  });
}

/**
 * The decisions of lists, one for each hit; `undefined` if no list names any of the keys. Without lists it returns at once.
 *
 * @param reported receives what lists in shadow would deny
 */
function listedAmong(
  parts: LimiterParts,
  hits: readonly Hit[],
  given: readonly string[],
  reported?: ListListener,
): (Decision | undefined)[] | undefined {
  const { lists, catalogue } = parts;
  if (!lists && !hits.some(({ policy }) => catalogue.get(policy.name)?.lists)) return undefined;
  checkHits(hits);
  const decisions = hits.map((hit, i) => {
    const effective = listsOn(hit, parts).filter((owned) => {
      if (!owned.isInShadow || verdictOn(hit.key, given[i]!, owned.lists) !== 'deny') return true;
      reported?.(owned.policy, hit.key, 'deny', true);
      return false;
    });
    const decision = listedDecision(hit, given[i]!, ...effective.map((owned) => owned.lists));
    return decision && isInShadow(hit.policy) ? inShadow(decision) : decision;
  });
  return decisions.every((decision) => decision === undefined) ? undefined : decisions;
}

/** The lists that may name the key of a hit. */
function listsOn({ policy }: Hit, { lists, catalogue, mode }: LimiterParts): OwnedLists[] {
  const own = catalogue.get(policy.name)?.lists;
  return [
    ...(lists ? [{ lists, policy: undefined, isInShadow: mode === 'shadow' }] : []),
    ...(own ? [{ lists: own, policy: policy.name, isInShadow: isInShadow(policy) }] : []),
  ];
}

/** Whether a hit would pass, by a look at its quota. The wait is that for the next unit: it may need more than one. */
function wouldPass(hit: Hit, look: Decision): Decision {
  if (look.shadow) return inShadow(wouldPass(hit, look.shadow));
  const { policy, cost } = hit;
  if (cost <= look.remaining || cost <= 0) return look;
  const canPass = policy.limit > 0 && cost <= policy.burst;
  return { ...look, allowed: false, retryAfter: canPass && look.resetAfter > 0 ? look.resetAfter : -1 };
}
