/** Stops when it is told to. */
export interface AwakeClock {
  /** In milliseconds. */
  now(): number;
  stop(): void;
}

/**
 * A clock that goes on only while this process does: however long the machine keeps it from its work, a tick counts as
 * two at most. So a deadline can be tested to a fraction of a second on a machine that is busy with other things.
 */
export function awakeClock(): AwakeClock;

/** Until as much time has passed by that clock: on a busy machine others need longer too, for whatever they have to do. */
export function sleepAwake(span: number): Promise<void>;
