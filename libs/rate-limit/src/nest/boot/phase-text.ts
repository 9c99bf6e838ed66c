import type { Plan } from '../plan/plan.js';
import type { Rule } from '../plan/rule.js';

const TEXTS: Readonly<Record<Rule['phase'], string>> = {
  early: 'before your guards',
  late: 'after your guards',
  tried: 'before your guards, or after them if it reads request.user',
};

/** The phase of a rule in words. */
export const phaseText = ({ phase }: Rule): string => TEXTS[phase];

/** Whether a request may be decided in both phases. Each of them asks the store. */
export const hasBothPhases = ({ early, late, all }: Plan): boolean =>
  early.length > 0 && late.length > 0 && all.length > 1;
