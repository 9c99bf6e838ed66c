import { Injectable, type ExecutionContext } from '@nestjs/common';
import { RateLimitError } from '../core/errors.js';
import { shown } from '../core/shown.js';
import { Limiter } from '../engine/limiter.js';
import type { LimiterParts } from '../engine/limiter-parts.js';
import type { KeyResolver } from './keys/key-resolver.js';
import type { KeySettings } from './keys/key-settings.js';
import { keyText } from './request/per-request.js';
import { transportOf } from './transports/transports.js';

/**
 * The same quotas for code without a request: jobs, consumers, calls to others. A denial is an answer here, not an
 * exception. Keys are what the resolvers give: `user:42`, `ip:203.0.113.7`, or any other text.
 *
 * The module makes it, and closes it when the application shuts down.
 */
@Injectable()
export class RateLimiter extends Limiter {
  /** @internal */
  constructor(
    parts: LimiterParts,
    private readonly keys: KeySettings,
  ) {
    super(parts);
  }

  /**
   * The key that a resolver gives a request, by the module's `keys`: what `reset`, `block`, `peek` and
   * `limits.override` take. For guards, interceptors and filters; elsewhere write the key: `` `ip:${request.ip}` ``,
   * `` `user:${user.id}` ``.
   *
   * Of a resolver that reads `request.user`, call it after the guard that sets it.
   *
   * @param resolver of the policy: `byIp`, `byUser`, `byAll(…)`, a function of yours
   * @returns `undefined` where a policy with this resolver does not apply to the request, so there is no quota to name
   * @throws RateLimitError `RL_KEY_INVALID` where the resolver returns what is no key, or where calls of this type show no
   *   request; and what the resolver throws
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
      throw new RateLimitError('RL_KEY_INVALID', `keyOf() knows no request of calls of type ${shown(type)}`);
    const partition = await resolver(context, request, this.keys);
    if (partition === undefined || partition === null) return undefined;
    const key: unknown = keyText(partition, this.keys.ipv6Prefix);
    if (typeof key === 'string') return key;
    throw new RateLimitError('RL_KEY_INVALID', `keyOf(): a key must be text, a number or an id, got ${shown(key)}`);
  }
}
