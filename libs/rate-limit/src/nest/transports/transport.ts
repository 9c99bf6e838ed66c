import type { ExecutionContext } from '@nestjs/common';
import type { Field } from '../../headers/ratelimit-headers.js';
import type { RateLimitException } from '../request/exceptions.js';
import type { RateLimitRequest } from '../request/request.js';

/** How one of Nest's context types shows its request and takes our answer. */
export interface Transport {
  /** What `context.getType()` says of it. */
  readonly type: string;
  /** Whether a method serves it, by the metadata that Nest's decorators leave. */
  handles(method: object): boolean;
  request(context: ExecutionContext): RateLimitRequest;
  /** Sets header fields, or does nothing where there are none. */
  setFields(context: ExecutionContext, fields: readonly Field[]): void;
  /** What to throw in place of our exception, so that its client understands the denial. */
  exceptionFor(denial: RateLimitException): unknown;
}
