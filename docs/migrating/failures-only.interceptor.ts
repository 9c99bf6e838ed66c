import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { byIp, RateLimiter } from 'nestjs-redis-rate-limit';
import { concatMap, type Observable } from 'rxjs';

/** Gives back what a request spent of the policy `login` when its handler succeeds: only failures count. */
@Injectable()
export class FailuresOnly implements NestInterceptor {
  constructor(private readonly limiter: RateLimiter) {}

  async intercept(context: ExecutionContext, next: CallHandler<unknown>): Promise<Observable<unknown>> {
    const key = await this.limiter.keyOf(byIp, context);
    return next.handle().pipe(
      concatMap(async (answer) => {
        // A give-back without an answer counts one failure too many. It must not fail a login that succeeded.
        if (key !== undefined) await this.limiter.consume('login', key, { cost: -1 }).catch(() => undefined);
        return answer;
      }),
    );
  }
}
