import type { Plan } from '../plan/plan.js';
import type { Rule } from '../plan/rule.js';

/** When a rule is decided, for people to read. */
export const phaseText = ({ phase }: Rule): string => (phase === 'early' ? 'before your guards' : 'after your guards');

/** Whether a request is decided in both phases: each asks the store. */
export const hasBothPhases = ({ early, late }: Plan): boolean => early.length > 0 && late.length > 0;
