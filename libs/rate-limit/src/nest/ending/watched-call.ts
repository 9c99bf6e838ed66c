import type { ExecutionContext } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { isPromise } from '../../core/after.js';
import { answeredMeanwhile } from '../request/refusals.js';
import type { CallOutcome, Ending } from './call-outcome.js';
import { HandlerOutput } from './handler-output.js';
import { listened } from './handler-result.js';
import { whenOver, type ResponseEnd } from './response-over.js';
import { callUsageOf } from './usage.js';
import type { Watch } from './watch.js';

const calls = new WeakMap<object, WatchedCall>();

/** The call of a request whose end is watched; `undefined` if it is not. */
export const watchedCallOf = (request: object): WatchedCall | undefined => calls.get(request);

/**
 * One call of a handler whose end is watched. It is over when its response is over and its handler has
 * nothing more to do. Both may come first: a handler with `@Res()` returns before it answers, and a handler runs on after
 * its client has gone.
 */
export class WatchedCall {
  private readonly watches: Watch[] = [];
  private readonly response: ServerResponse;
  /** Whether the application had answered before the call was watched. Its handler may still start. */
  private readonly wasAnswered: boolean;
  /** Where the call is now, if its handler has not started; at the end, where it was refused. */
  private refusedBy: CallOutcome['refusedBy'] = 'guard';
  private end: ResponseEnd | undefined;
  /** The status that was sent. What is written after the end sets another one. */
  private status: number | undefined;
  /** The parts of the handler that run: its function, the stream that it returned. */
  private running = 0;
  private isRefused = false;
  private readonly output: HandlerOutput;

  private constructor(private readonly context: ExecutionContext) {
    this.response = rawResponse(context);
    this.wasAnswered = this.response.writableEnded;
    this.output = new HandlerOutput(context, this.response, this.watches, () => this.begin());
    whenOver(this.response, (end) => this.close(end));
  }

  static of(context: ExecutionContext): WatchedCall {
    const request = context.switchToHttp().getRequest<object>();
    const known = calls.get(request);
    // Express may hand a request on to another handler, as another call.
    if (known?.context === context) return known;
    const call = new WatchedCall(context);
    calls.set(request, call);
    return call;
  }

  add(watch: Watch): void {
    this.watches.push(watch);
    if (watch.reader) this.output.watchBytes();
  }

  /** The guards have let the call pass. What can refuse it now are interceptors and pipes. */
  passGuards(): void {
    if (this.refusedBy) this.refusedBy = 'pipe';
  }

  /**
   * Runs the handler, once more if an interceptor retries it.
   *
   * @throws HttpException if the call was reported as refused: what it held is given back, so it must not use anything
   */
  run(handler: () => unknown): unknown {
    if (this.isRefused) throw answeredMeanwhile();
    this.refusedBy = undefined;
    this.output.restart();
    const over = this.begin();
    const returned = (value: unknown): unknown => {
      const isResponse = value === this.response || value === this.context.switchToHttp().getResponse();
      const result = isResponse ? value : listened(value, this.output);
      // Nest subscribes to a stream before that.
      if (this.end) setImmediate(over);
      else over();
      return result;
    };
    const failed = (error: unknown): never => {
      this.output.failed(error);
      over();
      throw error;
    };
    let result: unknown;
    try {
      result = handler();
    } catch (error) {
      return failed(error);
    }
    return isPromise(result) ? Promise.resolve(result).then(returned, failed) : returned(result);
  }

  private begin(): () => void {
    let isOver = false;
    this.running++;
    return () => {
      if (isOver) return;
      isOver = true;
      this.running--;
      this.settle();
    };
  }

  /** Reports to one watch what is known now, unless the response is not over. */
  giveUp(watch: Watch): void {
    if (this.end) this.report(watch, this.end);
  }

  private close(end: ResponseEnd): void {
    // A failed handler may have left the answer incomplete.
    this.end = end === 'disconnected' && this.output.hasFailedFirst ? 'broken' : end;
    this.status = this.response.headersSent ? this.response.statusCode : undefined;
    for (const watch of this.watches) watch.closed();
    for (const watch of this.watches) if (watch.isGivenUp) this.report(watch, this.end);
    if (this.refusedBy && this.mayStillStart) this.awaitRefusal();
    this.settle();
  }

  /** Whether its handler may start although the response is over: nothing has refused it so far. */
  private get mayStillStart(): boolean {
    return this.wasAnswered || this.end === 'disconnected';
  }

  /** A call that is refused after its response is over is answered once more, in vain. */
  private awaitRefusal(): void {
    const response = this.response as { end: (...args: unknown[]) => unknown };
    const end = response.end.bind(response);
    response.end = (...args) => {
      response.end = end;
      if (this.refusedBy) this.refuse();
      return end(...args);
    };
  }

  private settle(): void {
    if (!this.end || this.running > 0 || this.isRefused) return;
    if (!this.refusedBy) this.watches.forEach((watch) => this.report(watch, this.end!));
    else if (!this.mayStillStart) this.refuse();
  }

  private refuse(): void {
    this.isRefused = true;
    this.watches.forEach((watch) => this.report(watch, this.end!));
  }

  private report(watch: Watch, end: ResponseEnd): void {
    const { isRefused, status, context } = this;
    const { value, error } = this.output;
    watch.ended({
      ending: isRefused ? 'refused' : this.endingBy(end),
      refusedBy: isRefused ? this.refusedBy : undefined,
      status,
      error,
      value,
      found: watch.found(),
      held: watch.held,
      used: callUsageOf(context.switchToHttp().getRequest<object>()).used,
      context,
    });
  }

  private endingBy(end: ResponseEnd): Ending {
    if (end === 'disconnected') return 'disconnect';
    const isFailure = end === 'broken' || this.output.hasFailedLate || this.status! >= 400;
    return isFailure ? 'failure' : 'success';
  }
}

/** Node's own response: of Fastify it is inside the reply. */
function rawResponse(context: ExecutionContext): ServerResponse {
  const response = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
  return response.raw ?? response;
}
