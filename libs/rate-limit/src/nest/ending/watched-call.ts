import type { ExecutionContext } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { isPromise } from '../../core/after.js';
import { answeredMeanwhile } from '../request/refusals.js';
import type { AnswerReader, CallOutcome, Ending } from './call-outcome.js';
import { listened, type HandlerListener } from './handler-result.js';
import { isConnected, whenOver, type ResponseEnd } from './response-over.js';
import { seeBytes } from './sent-bytes.js';
import { callUsageOf } from './usage.js';
import type { Watch } from './watch.js';

const calls = new WeakMap<object, WatchedCall>();

/** The call of a request whose end is watched; `undefined` if nobody watches it. */
export const watchedCallOf = (request: object): WatchedCall | undefined => calls.get(request);

/**
 * One call of a handler while somebody waits for its end. It is over when its response is over and its handler has
 * nothing more to do. Both may come first: a handler with `@Res()` returns before it answers, and a handler runs on after
 * its client has gone.
 */
export class WatchedCall implements HandlerListener {
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
  /** Whether the handler answers in bytes, as far as is known. */
  private sendsBytes = false;
  private isTapped = false;
  private value: unknown;
  private error: unknown;
  private hasFailed = false;
  /** Whether the handler failed while its client was there. Otherwise it may have failed because the client had gone. */
  private hasFailedFirst = false;
  /** Whether the handler failed after the status was sent, which then says nothing of it. */
  private hasFailedLate = false;

  private constructor(private readonly context: ExecutionContext) {
    this.response = rawResponse(context);
    this.wasAnswered = this.response.writableEnded;
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
    if (!watch.reader || this.isTapped) return;
    this.isTapped = true;
    seeBytes(this.response, (chunk) => {
      if (this.sendsBytes) this.read((reader) => reader.chunk(chunk));
    });
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
    this.sendsBytes = true;
    this.hasFailed = this.hasFailedFirst = this.hasFailedLate = false;
    this.error = undefined;
    const over = this.begin();
    const returned = (value: unknown): unknown => {
      const isResponse = value === this.response || value === this.context.switchToHttp().getResponse();
      const result = isResponse ? value : listened(value, this);
      // Whoever subscribes to a stream does so before that.
      if (this.end) setImmediate(over);
      else over();
      return result;
    };
    const failed = (error: unknown): never => {
      this.failed(error);
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

  answered(value: unknown): void {
    if (value === undefined || value === null) return;
    this.value = value;
    this.sendsBytes = false;
    this.read((reader) => reader.value(value));
  }

  item(value: unknown): void {
    this.sendsBytes = false;
    if (typeof value === 'string' || value instanceof Uint8Array) return this.read((reader) => reader.chunk(value));
    this.read((reader) => reader.value(value));
  }

  /** Nest sends the last item of an Observable, unless the handler sends events. */
  completed(last: unknown): void {
    if (!Reflect.hasMetadata('__sse__', this.context.getHandler())) this.value = last;
  }

  failed(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.error = error;
    this.hasFailedFirst = isConnected(this.response);
    this.hasFailedLate = this.response.headersSent;
    // What is sent now is an error.
    this.sendsBytes = false;
  }

  begin(): () => void {
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
    this.end = end === 'disconnected' && this.hasFailedFirst ? 'broken' : end;
    this.status = this.response.headersSent ? this.response.statusCode : undefined;
    for (const watch of this.watches) watch.closed();
    for (const watch of this.watches) if (watch.isGivenUp) this.report(watch, this.end);
    if (this.refusedBy && this.mayStill) this.awaitRefusal();
    this.settle();
  }

  /** Whether its handler may start although the response is over: nothing has refused it so far. */
  private get mayStill(): boolean {
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
    else if (!this.mayStill) this.refuse();
  }

  private refuse(): void {
    this.isRefused = true;
    this.watches.forEach((watch) => this.report(watch, this.end!));
  }

  private report(watch: Watch, end: ResponseEnd): void {
    const { isRefused, status, value, error, context } = this;
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
    const isFailure = end === 'broken' || this.hasFailedLate || this.status! >= 400;
    return isFailure ? 'failure' : 'success';
  }

  private read(piece: (reader: AnswerReader) => void): void {
    for (const watch of this.watches) watch.read(piece);
  }
}

/** Node's own response: of Fastify it is inside the reply. */
function rawResponse(context: ExecutionContext): ServerResponse {
  const response = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
  return response.raw ?? response;
}
