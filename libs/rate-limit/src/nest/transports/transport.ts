import type { ExecutionContext } from '@nestjs/common';
import type { Field } from '../../headers/ratelimit-headers.js';
import type { RateLimitRequest } from '../request/request.js';

/** How one of Nest's context types shows its request and takes our answer. */
export interface Transport {
  /** What `context.getType()` says of it. */
  readonly type: string;
  request(context: ExecutionContext): RateLimitRequest;
  /** Sets header fields, or does nothing where there are none. */
  setFields(context: ExecutionContext, fields: readonly Field[]): void;
}
