import type { Policy } from '../../../core/policy.js';
import type { ServerClock } from './clock.js';
import type { Command } from './command.js';
import { JudgeHit } from './commands/judge-hit.js';
import { DEADLINES_SHARED_WITHIN, FRAME } from './frame.js';
import { presentBy, type PolicyTexts } from './policy-texts.js';
import type { Frame } from './frame-writer.js';

/**
 * The frame of a batch in the plain form: each key is a request for one unit of the only policy, and all share the first
 * deadline. So no runs are needed. Most batches are like that, and all lone requests of one unit. One on a fixed window
 * has a form that is shorter still (lua/lone.lua).
 *
 * @returns `undefined` for a batch that needs runs
 */
export function plainFrame(
  commands: readonly Command[],
  texts: PolicyTexts,
  now: string,
  clock: ServerClock | undefined,
): Frame | undefined {
  const policy = onlyPolicyOf(commands);
  if (!policy) return undefined;
  const keyCount = commands.length;
  const keysAndArguments: string[] = [];
  for (let i = 0; i < keyCount; i++) commands[i]!.addKeys(keysAndArguments);
  const notAfter = clock ? clock.textAt(commands[0]!.deadline) : '';
  const { isCalendar } = policy.period;
  const policyTexts = texts.of(policy, isCalendar ? presentBy(now, clock) : 0);
  if (keyCount === 1 && policy.algorithm === 'fixed-window') {
    keysAndArguments.push(notAfter, policyTexts[FRAME.policy.limit]!, policyTexts[FRAME.policy.window]!);
    const bounds = isCalendar ? policyTexts[FRAME.policy.burst]! : '';
    if (now !== '') keysAndArguments.push(bounds, now, policyTexts[FRAME.policy.life]!, 'lone');
    else if (bounds !== '') keysAndArguments.push(bounds);
  } else {
    keysAndArguments.push(notAfter, now);
    for (let i = 0; i < policyTexts.length; i++) keysAndArguments.push(policyTexts[i]!);
  }
  return { keyCount, keysAndArguments, numbers: keyCount * FRAME.decision.LENGTH };
}

function onlyPolicyOf(commands: readonly Command[]): Policy | undefined {
  const first = commands[0]!;
  if (!(first instanceof JudgeHit) || first.cost !== 1) return undefined;
  for (let i = 1; i < commands.length; i++) {
    const command = commands[i]!;
    const later = command.deadline - first.deadline;
    if (!first.isLike(command) || !(later >= 0 && later <= DEADLINES_SHARED_WITHIN)) return undefined;
  }
  return first.policy;
}
