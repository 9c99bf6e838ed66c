import { Injectable, type ExecutionContext } from '@nestjs/common';
import { RateLimitError } from '../core/errors.js';
import { shown } from '../core/shown.js';
import { Limiter } from '../engine/limiter.js';
import type { KeptHolds } from '../engine/holds/kept-holds.js';
import type { LimiterParts } from '../engine/limiter-parts.js';
import type { KeyResolver } from './keys/key-resolver.js';
import type { KeySettings } from './keys/key-settings.js';
import { keyText } from './request/per-request.js';
import { transportOf } from './transports/transports.js';

/**
 * Uses the same quotas in code without a request: jobs, message consumers, calls to other services. A denial is
 * returned, not thrown. Keys are those of the resolvers: `user:42`, `ip:203.0.113.7`, or any other text.
 *
 * The module makes it, and closes it when the application shuts down.
 */
@Injectable()
export class RateLimiter extends Limiter {
  /** @internal */
  constructor(
    parts: LimiterParts,
    private readonly keys: KeySettings,
    kept: KeptHolds,
  ) {
    super(parts, kept);
  }

  /**
   * Returns the key of a request by a resolver and the module's `keys`, for `reset`, `block`, `peek` and
   * `limits.override`. For guards, interceptors and filters; elsewhere write the key: `` `ip:${request.ip}` ``,
   * `` `user:${user.id}` ``.
   *
   * If the resolver reads `request.user`, call it after the guard that sets the user.
   *
   * @param resolver the policy's `key`: `byIp`, `byUser`, `byAll(…)`, your own function
   * @returns the key; `undefined` if a policy with this resolver does not apply to the request
   * @throws RateLimitError `RL_KEY_INVALID` if the resolver returns something that is not a key, or if the call has no
   *   request; and errors of the resolver
   *
   * @example
   * ```ts
   * const key = await limiter.keyOf(byUser, context);
   * if (key !== undefined) await limiter.reset('login', key);
   * ```
   */
  async keyOf(resolver: KeyResolver, context: ExecutionContext): Promise<string | undefined> {
    const type = context.getType<string>();
    const request = transportOf(type)?.exchangeOf(context)?.request;
    if (!request)
      throw new RateLimitError(
        'RL_KEY_INVALID',
        `keyOf() finds no request in calls of type ${shown(type)}; write the key yourself, like 'user:42'`,
      );
    const partition = await resolver(context, request, this.keys);
    if (partition === undefined || partition === null) return undefined;
    const key: unknown = keyText(partition, this.keys.ipv6Prefix);
    if (typeof key === 'string') return key;
    throw new RateLimitError('RL_KEY_INVALID', `keyOf(): a key must be text, a number or an id, got ${shown(key)}`);
  }
}
