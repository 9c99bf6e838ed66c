import type { ExecutionContext } from '@nestjs/common';
import { withPlace } from '../../core/errors.js';
import type { Field, Verdict } from '../../headers/ratelimit-headers.js';
import type { Phase } from '../keys/key-resolver.js';
import type { RateLimitSettings } from '../settings.js';
import type { Exchange, Transport } from '../transports/transport.js';
import { transportOf } from '../transports/transports.js';
import { isRateLimitException } from './exceptions.js';
import type { IdentityWatch } from './identity-watch.js';
import type { RateLimitRequest } from './request.js';

/**
 * All guards of a call share its context, and so do all instances of our guard: that is how a guard bound twice charges
 * once. Nothing that the client sends decides it. On the context itself, because a WeakMap costs more than all the rest
 * here.
 */
const CALL = Symbol.for('nestjs-redis-rate-limit/call');

const PHASE_BITS: Readonly<Record<Phase | 'all', number>> = { early: 1, late: 2, all: 4 };

/** The handler that is called, as messages name it. */
export const placeIn = (context: ExecutionContext): string => `${context.getClass().name}.${context.getHandler().name}`;

/** One request while it is decided: what it is, and what was decided of it so far. */
export class Call {
  readonly request: RateLimitRequest;
  /** What the header fields show. */
  readonly verdicts: Verdict[] = [];
  /** Whether the module's lists allow the caller; `undefined` before anybody looked. */
  isAllowed: boolean | undefined;
  /** What is being decided. */
  phase: Phase | 'all' = 'all';
  /** Set while a rule is tried: once this has read who the caller is, nothing of the attempt counts. */
  attempt: IdentityWatch | undefined;
  private phases = 0;
  /** Some applications answer first and work then. */
  private readonly wasAnswered: boolean;
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

  /** Whether a phase is still to be decided; from then on it is not. */
  enter(phase: Phase | 'all'): boolean {
    const bit = PHASE_BITS[phase];
    const isFirst = (this.phases & bit) === 0;
    this.phases |= bit;
    this.phase = phase;
    return isFirst;
  }

  /** Keeps what somebody found out about this call, for its later steps. */
  keep<T>(owner: object, note: T): T {
    (this.notes ??= new Map<object, unknown>()).set(owner, note);
    return note;
  }

  /** What was kept. */
  kept(owner: object): unknown {
    return this.notes?.get(owner);
  }

  /** The same, found out if nobody has. */
  once<T>(owner: object, find: () => T): T {
    return (this.kept(owner) as T | undefined) ?? this.keep(owner, find());
  }

  /** Whether the answer left since we began: a time-out of the application sent it. */
  get isAnsweredMeanwhile(): boolean {
    return !this.wasAnswered && this.exchange.isAnswered;
  }

  get place(): string {
    return placeIn(this.context);
  }

  setFields(fields: readonly Field[]): void {
    this.exchange.setFields(fields);
  }

  /** What to throw: a denial in the transport's own form, a mistake in the use of rate limits with the handler's name. */
  thrown(error: unknown): unknown {
    if (isRateLimitException(error)) return this.transport.exceptionFor(error);
    return withPlace(this.place, error);
  }
}
