/** Sends a signal to one process; one that is already gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): void;

/** A zombie is gone too: it only waits for its parent to notice. */
export function isGone(pid: number): boolean;
