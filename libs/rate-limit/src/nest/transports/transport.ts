import type { ArgumentsHost } from '@nestjs/common';
import type { Field } from '../../headers/ratelimit-headers.js';
import type { RateLimitException } from '../request/exceptions.js';
import type { RateLimitRequest } from '../request/request.js';

/** Nest's controllers, or its providers: resolvers and gateways are providers. */
export type HandlerPlace = 'controllers' | 'providers';

/** A request, and its answer that is still to come. */
export interface Exchange {
  readonly request: RateLimitRequest;
  /** Whether the answer has left, or at least its head. */
  readonly isAnswered: boolean;
  /** Sets header fields. Does nothing for a transport without header fields, or after the answer was sent. */
  setFields(fields: readonly Field[]): void;
}

/** How one of Nest's context types shows its request and takes our answer. */
export interface Transport {
  /** The value of `context.getType()`. */
  readonly type: string;
  /** Which classes have its handlers. */
  readonly handlersIn: HandlerPlace;
  /** Whether a method of such a class is a handler, by the metadata of Nest's decorators. */
  readonly handles: (method: object) => boolean;
  /**
   * The request of a call and its answer; `undefined` where the call has no request. Packages for bots and brokers call
   * handlers under the type that is Nest's default, 'http', with a message in the request's place.
   */
  exchangeOf(context: ArgumentsHost): Exchange | undefined;
  /** What to throw in place of our exception, so that its client understands the denial. */
  exceptionFor(denial: RateLimitException): unknown;
}
