import type { ExecutionContext } from '@nestjs/common';
import type { Field } from '../../headers/ratelimit-headers.js';
import type { RateLimitException } from '../request/exceptions.js';
import type { RateLimitRequest } from '../request/request.js';

/** Nest's controllers, or its providers: resolvers and gateways are providers. */
export type HandlerPlace = 'controllers' | 'providers';

/** How one of Nest's context types shows its request and takes our answer. */
export interface Transport {
  /** What `context.getType()` says of it. */
  readonly type: string;
  /** Which classes have its handlers. */
  readonly handlersIn: HandlerPlace;
  /** Whether a method of such a class is one, by the metadata that Nest's decorators leave. */
  readonly handles: (method: object) => boolean;
  request(context: ExecutionContext): RateLimitRequest;
  /** Sets header fields, or does nothing where there are none. */
  setFields(context: ExecutionContext, fields: readonly Field[]): void;
  /** What to throw in place of our exception, so that its client understands the denial. */
  exceptionFor(denial: RateLimitException): unknown;
}
