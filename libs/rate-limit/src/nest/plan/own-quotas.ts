import type { Rule } from './rule.js';

/** Whether a rule's quota belongs to its handler alone. Names of policies do not begin so. */
export const hasOwnQuota = ({ source }: Rule): boolean => source.own.id.startsWith('@');
