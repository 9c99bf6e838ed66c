import { BadRequestException, Body, Controller, Get, HttpException, Param, Put } from '@nestjs/common';
import { RateLimiter, RateLimitError, SkipRateLimit } from 'nestjs-redis-rate-limit';

/** What an admin sends: the `version` that they were shown, and `null` as the limit to go back to the definition. */
interface Change {
  key?: string;
  limit: number | null;
  version: number;
}

const STATUS = new Map([
  ['RL_LIMIT_CHANGED', 409],
  ['RL_STORE_UNAVAILABLE', 503],
]);

/** Put it behind the guard that checks your admins. It is not limited itself: a limit of 0 would lock them out. */
@Controller('admin/limits')
@SkipRateLimit()
export class LimitsController {
  constructor(private readonly limiter: RateLimiter) {}

  @Get()
  list() {
    return this.told(this.limiter.limits.list());
  }

  @Put(':policy')
  change(@Param('policy') policy: string, @Body() { key, limit, version }: Change) {
    const { limits } = this.limiter;
    // Without a version the change would overwrite a change by another admin.
    if (version === undefined) throw new BadRequestException('send the version that you were shown');
    if (limit === null) return this.told(limits.clear(policy, key, { version }));
    if (key === undefined) return this.told(limits.set(policy, { limit }, { version }));
    return this.told(limits.override(policy, key, { limit }, { version }));
  }

  /** Turns the library's errors into answers for the admin. Otherwise they would be a 500. */
  private async told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof RateLimitError)) throw error;
      throw new HttpException({ code: error.code, message: error.detail }, STATUS.get(error.code) ?? 400);
    }
  }
}
