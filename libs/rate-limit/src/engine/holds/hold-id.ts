import { randomBytes } from 'node:crypto';

/** Operators see it: all holds of a process begin with it. */
const PROCESS = randomBytes(9).toString('base64url');
let count = 0;

/** The id of a new hold: unique over all processes, and cheap. */
export const nextHoldId = (): string => `${PROCESS}.${(++count).toString(36)}`;
