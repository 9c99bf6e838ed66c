/** Milliseconds since the epoch. Tests hand in their own. */
export type Clock = () => number;
