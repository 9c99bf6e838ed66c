/** A port that nobody listens on, below those that the system hands out for outgoing connections. */
export function freePort(): Promise<number>;
