import { algorithmOf, hasSlots } from '../../../core/algorithms/index.js';
import { durationText } from '../../../core/duration.js';
import type { Policy } from '../../../core/policy.js';
import { oneLine } from '../../../core/shown.js';
import { LivePolicy } from '../../../engine/limits/live-policy.js';
import { keyName } from '../../keys/key-name.js';
import type { PolicyUse } from '../../options.js';
import type { Rule } from '../../plan/rule.js';

/** A rule's numbers in words: `20 per 1s, token-bucket, burst 20`. */
export function numbersText({ source, use }: Rule): string {
  const { own, varies } = source;
  const set = (source as unknown) instanceof LivePolicy ? setText(source as unknown as LivePolicy) : '';
  const span = hasSlots(own) ? 'at once' : `per ${own.period.text}`;
  if (varies === 'never' && own.limit === 0) return `0 ${span}${set}: denies every request`;
  const amount =
    varies === 'all'
      ? `by your resolve function, else ${own.limit} ${span}`
      : varies === 'limit'
        ? `by your limit function, ${span}`
        : `${own.limit} ${span}`;
  return `${amount}, ${own.algorithm}${burstText(own)}${set}${modeText(own)}${blockText(own)}${useText(use)}`;
}

/** A rule's key in words. */
export function keyText({ use }: Rule): string {
  const key = use.key!;
  const known = keyName(key);
  if (known !== undefined) return `key ${known}`;
  // An arrow function after `key:` gets the name `key`.
  return key.name === '' || key.name === 'key' ? 'your key function' : `your key function ${oneLine(key.name)}`;
}

function burstText({ algorithm, burst }: Policy): string {
  return algorithmOf(algorithm).defaultBurst === undefined ? '' : `, burst ${burst}`;
}

/** Lists of the policy's own. */
export function listsText({ lists }: Rule): string {
  const own = [lists?.allow && 'an allow list', lists?.deny && 'a deny list'].filter((list) => list !== undefined);
  return own.length === 0 ? '' : `, with ${own.join(' and ')} of its own`;
}

/** Numbers that were set at run time. */
function setText({ own, current, isOwn }: LivePolicy): string {
  if (isOwn) return '';
  if (current === own) return ' (some keys have limits of their own)';
  const set = [current.limit !== own.limit && String(current.limit), current.mode !== own.mode && current.mode];
  return ` (now set to ${set.filter(Boolean).join(', ') || current.limit})`;
}

function blockText({ blocks }: Policy): string {
  const spans = blocks?.spans.filter((span) => span > 0) ?? [];
  return spans.length === 0 ? '' : `, blocks for ${spans.map(durationText).join(', then ')}`;
}

const modeText = ({ mode }: Policy): string => MODE_TEXTS[mode];

const MODE_TEXTS: Readonly<Record<Policy['mode'], string>> = {
  enforce: '',
  shadow: ', in shadow: reports and denies nothing',
  record: ', records only and denies nothing',
};

function useText({ cost, count, settle, skip }: Readonly<PolicyUse>): string {
  const spent = typeof cost === 'function' ? ', cost by your function' : cost === 1 ? '' : `, cost ${cost}`;
  const counted = count === undefined ? '' : `, counts ${typeof count === 'function' ? 'by your function' : count}`;
  return `${spent}${counted}${settle ? ', settled when the call has ended' : ''}${skip ? ', unless your skip function says so' : ''}`;
}

const TEXTS: Readonly<Record<Rule['phase'], string>> = {
  early: 'before your guards',
  late: 'after your guards',
  tried: 'before your guards, or after them if it reads request.user',
};

/** When a rule is decided, for people to read. */
export const phaseText = ({ phase }: Rule): string => TEXTS[phase];
