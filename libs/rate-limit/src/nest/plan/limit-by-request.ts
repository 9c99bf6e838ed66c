import type { ExecutionContext } from '@nestjs/common';
import { after } from '../../core/after.js';
import { atPlace } from '../../core/errors.js';
import type { Policy } from '../../core/policy.js';
import type { PolicySource } from '../../engine/policy-source.js';
import type { PolicyVariants } from '../../engine/policy-variants.js';
import type { Call } from '../request/call.js';

/** A policy whose limit is a function of the request. */
export class LimitByRequest implements PolicySource<Call> {
  readonly varies = 'limit';
  readonly own: Policy;

  /** @param variants of a definition whose limit is a placeholder */
  constructor(
    private readonly variants: PolicyVariants,
    private readonly limit: (context: ExecutionContext) => number | Promise<number>,
  ) {
    this.own = variants.own;
  }

  for(call: Call): Policy | Promise<Policy> {
    return after(this.limit(call.context), (limit) => this.withLimit(limit));
  }

  /** @throws RateLimitError `RL_LIMIT_INVALID`, `RL_PRECISION` */
  withLimit(limit: number): Policy {
    return atPlace(this.own.name, () => this.variants.with({ limit }));
  }
}
