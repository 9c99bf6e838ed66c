import type { ExecutionContext } from '@nestjs/common';
import { withPlace } from '../../core/errors.js';
import { nextHoldId } from '../../engine/holds/hold-id.js';
import type { Field, Verdict } from '../../headers/ratelimit-headers.js';
import type { Phase } from '../keys/key-resolver.js';
import type { RateLimitSettings } from '../settings.js';
import type { Exchange, Transport } from '../transports/transport.js';
import { transportOf } from '../transports/transports.js';
import { isRateLimitException } from './exceptions.js';
import type { IdentityWatch } from './identity-watch.js';
import type { RateLimitRequest } from './request.js';

/**
 * The call is kept on its context, which all guards of the call share. So a guard that is bound twice charges once. A
 * WeakMap would cost more than everything else here.
 */
const CALL = Symbol.for('nestjs-redis-rate-limit/call');

const PHASE_BITS: Readonly<Record<Phase | 'all', number>> = { early: 1, late: 2, all: 4 };

/** The handler that is called, as messages name it. */
export const placeIn = (context: ExecutionContext): string => `${context.getClass().name}.${context.getHandler().name}`;

/** One request while it is decided: what it is, and what was decided of it so far. */
export class Call {
  readonly request: RateLimitRequest;
  /** The decisions for the header fields. */
  readonly verdicts: Verdict[] = [];
  /** Whether the module's lists allow the caller; `undefined` before they were checked. */
  isAllowed: boolean | undefined;
  /** The phase that is being decided. */
  phase: Phase | 'all' = 'all';
  /** Whether a policy or a list has denied it, or its limits could not be decided. */
  isDenied = false;
  /** Set while a rule is tried. If the rule has read the caller's identity, the attempt does not count. */
  attempt: IdentityWatch | undefined;
  private phases = 0;
  /** Some applications answer a request before they work on it. */
  private readonly wasAnswered: boolean;
  private idOfHolds: string | undefined;
  private notes: Map<object, unknown> | undefined;

  private constructor(
    readonly context: ExecutionContext,
    private readonly transport: Transport,
    private readonly exchange: Exchange,
    readonly settings: RateLimitSettings,
  ) {
    this.request = exchange.request;
    this.wasAnswered = exchange.isAnswered;
  }

  /** The call of a context: the same for every guard. `undefined` where there is no request, which is said once. */
  static of(context: ExecutionContext & { [CALL]?: Call }, settings: RateLimitSettings): Call | undefined {
    const known = context[CALL];
    if (known) return known;
    const type = context.getType<string>();
    const transport = transportOf(type);
    const exchange = transport?.exchangeOf(context);
    if (exchange) return (context[CALL] = new Call(context, transport!, exchange, settings));
    settings.warnOnce(`calls of type ${type}`, () =>
      transport
        ? `${placeIn(context)} was called without an HTTP request. Such calls are not limited. Limit them in code, with RateLimiter.consume().`
        : `Calls of type "${type}" are not limited: this library has no transport for them. Limit them in code, with RateLimiter.consume().`,
    );
    return undefined;
  }

  /** Starts a phase. Returns false if the phase was started before. */
  enter(phase: Phase | 'all'): boolean {
    const bit = PHASE_BITS[phase];
    const isFirst = (this.phases & bit) === 0;
    this.phases |= bit;
    this.phase = phase;
    return isFirst;
  }

  /** The id of what the call holds, under whatever policies. */
  get holdId(): string {
    return (this.idOfHolds ??= nextHoldId());
  }

  /** Keeps a note about this call for its later steps. */
  keep<T>(owner: object, note: T): T {
    (this.notes ??= new Map<object, unknown>()).set(owner, note);
    return note;
  }

  /** The note of an owner. */
  kept(owner: object): unknown {
    return this.notes?.get(owner);
  }

  /** The note of an owner. If it has no note yet, `find` makes one. */
  once<T>(owner: object, find: () => T): T {
    return (this.kept(owner) as T | undefined) ?? this.keep(owner, find());
  }

  /** Whether the answer was sent since this call began, as by a time-out of the application. */
  get isAnsweredMeanwhile(): boolean {
    return !this.wasAnswered && this.exchange.isAnswered;
  }

  get place(): string {
    return placeIn(this.context);
  }

  setFields(fields: readonly Field[]): void {
    this.exchange.setFields(fields);
  }

  /** The error to throw: a denial in the transport's form, a configuration mistake with the handler's name. */
  thrown(error: unknown): unknown {
    if (isRateLimitException(error)) return this.transport.exceptionFor(error);
    return withPlace(this.place, error);
  }
}
