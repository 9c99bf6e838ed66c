import { BadRequestException, Body, Controller, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RateLimiter, StoreUnavailableError } from 'nestjs-redis-rate-limit';
import { nextChange } from '../schedule/hours.js';
import { TrialSchedule } from '../schedule/trial-schedule.js';
import { StoreHealth } from './store-health.js';

/** What the schedule did and will do, and its jobs to run by hand: each run has its own tick, which is not an hour. */
@Controller('demo/schedule')
@ApiExcludeController()
export class ScheduleController {
  constructor(
    @Inject(TrialSchedule) private readonly schedule: TrialSchedule,
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(StoreHealth) private readonly health: StoreHealth,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  async state() {
    const { instance } = this.health;
    return { instance, ...(await this.held()), next: nextChange(Date.now()), last: this.schedule.last };
  }

  /** The job of one tick is done once, also when two instances get it, or one instance twice. */
  @Post()
  @HttpCode(200)
  async run(@Body() body: unknown) {
    const { job, tick } = (body ?? {}) as { job?: unknown; tick?: unknown };
    if (typeof tick !== 'string' || !/^[\w-]{8,64}$/.test(tick)) {
      throw new BadRequestException('tick must be 8 to 64 letters and digits.');
    }
    if (job !== 'raise' && job !== 'set back') throw new BadRequestException('job must be "raise" or "set back".');
    const byHand = `by hand ${tick}`;
    const run = await (job === 'raise' ? this.schedule.raise(byHand) : this.schedule.setBack(byHand));
    return { instance: this.health.instance, ...run };
  }

  /** The limit that Redis has; while it is away, the one that this instance knows. */
  private async held() {
    try {
      const { limit, version } = await this.limiter.limits.get('trial');
      return { limit, version };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return { limit: (await this.limiter.peek('trial', 'demo:probe')).limit };
    }
  }
}
