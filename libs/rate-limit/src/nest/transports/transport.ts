import type { ExecutionContext } from '@nestjs/common';
import type { Field } from '../../headers/ratelimit-headers.js';
import type { RateLimitException } from '../request/exceptions.js';
import type { RateLimitRequest } from '../request/request.js';

/** Nest's controllers, or its providers: resolvers and gateways are providers. */
export type HandlerPlace = 'controllers' | 'providers';

/** How one of Nest's context types shows its request and takes our answer. */
export interface Transport {
  /** The value of `context.getType()`. */
  readonly type: string;
  /** Which classes have its handlers. */
  readonly handlersIn: HandlerPlace;
  /** Whether a method of such a class is a handler, by the metadata of Nest's decorators. */
  readonly handles: (method: object) => boolean;
  /**
   * Whether a call of this type has a request. Packages for bots and brokers call handlers with Nest's default type,
   * 'http', and a message in place of the request.
   */
  carries(context: ExecutionContext): boolean;
  request(context: ExecutionContext): RateLimitRequest;
  /** Whether the answer has left, or at least its head. */
  isAnswered(context: ExecutionContext): boolean;
  /** Sets header fields; does nothing where there are none, or where the answer has left. */
  setFields(context: ExecutionContext, fields: readonly Field[]): void;
  /** What to throw in place of our exception, so that its client understands the denial. */
  exceptionFor(denial: RateLimitException): unknown;
}
