import type { Decision } from '../../../../core/decision.js';
import { isPlain, type Hit } from '../../../../core/hit.js';
import type { Command } from '../command.js';
import type { RedisServer } from '../server.js';
import { HoldHit } from './hold-hit.js';
import { Judge } from './judge.js';
import { JudgeWhole } from './judge-whole.js';

/**
 * The quickest command that judges the hits of a request. If {@link isSingle} is true of them, `JudgeHit` is quicker.
 *
 * @param keys of the hits' states
 */
export function commandFor(
  hits: readonly Hit[],
  keys: readonly string[],
  server: RedisServer,
  timeout: number,
): Command<Decision[]> {
  const [first] = hits;
  if (hits.length === 1 && isOnlyHeld(first!)) return new HoldHit(first!, first!.hold!, keys[0]!, server, timeout);
  return new (hits.every(isPlain) ? Judge : JudgeWhole)(hits, keys, server, timeout);
}

/** Whether a hit is only charged and held. */
const isOnlyHeld = ({ policy: { blocks, mode }, hold, patience }: Hit): boolean =>
  hold !== undefined && patience === undefined && !blocks && mode !== 'record';

/** Whether a request has one hit, which is only charged. */
export const isSingle = (hits: readonly Hit[]): boolean => hits.length === 1 && isPlain(hits[0]!);
