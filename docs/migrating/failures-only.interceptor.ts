import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { byIp, RateLimiter, type KeyResolver } from 'nestjs-redis-rate-limit';
import { concatMap, type Observable } from 'rxjs';

const keys = new WeakMap<object, string>();

/** `byIp`, which keeps the key for the interceptor. */
export const byIpToGiveBack: KeyResolver = async (context, request, settings) => {
  const key = await byIp(context, request, settings);
  keys.set(context.switchToHttp().getRequest<object>(), String(key));
  return key;
};

/** Gives back what a request spent of the policy `login` when its handler succeeds: only failures count. */
@Injectable()
export class FailuresOnly implements NestInterceptor {
  constructor(private readonly limiter: RateLimiter) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const key = keys.get(context.switchToHttp().getRequest<object>());
    return next.handle().pipe(
      concatMap(async (answer) => {
        // A give-back without an answer counts one failure too many. It must not fail a login that succeeded.
        if (key !== undefined) await this.limiter.consume('login', key, { cost: -1 }).catch(() => undefined);
        return answer;
      }),
    );
  }
}
