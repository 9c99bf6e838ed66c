import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { RateLimiter, StoreUnavailableError, type LiveLimit } from 'nestjs-redis-rate-limit';
import { hourOf } from './hours.js';

const STEP = 5;
const MOST = 50;

/** One unit for each job and hour: the instance that gets it does the job. It lasts longer than any of them is late. */
const ONCE = { name: 'schedule', limit: 1, window: '2h', onStoreFailure: 'closed' } as const;

/** What became of a job in this instance. */
export interface Run {
  readonly job: 'raise' | 'set back';
  readonly tick: string;
  /** The epoch in milliseconds. */
  readonly at: number;
  readonly outcome: 'done' | 'done before' | 'failed';
  /** The limit since then, where this instance changed it. */
  readonly limit?: number;
}

/** Raises the limit of `trial` by the hour and takes that back at midnight: once, however many instances there are. */
@Injectable()
export class TrialSchedule {
  private readonly logger = new Logger(TrialSchedule.name);
  /** What this instance did itself, or failed to do. */
  last: Run | undefined;

  constructor(@Inject(RateLimiter) private readonly limiter: RateLimiter) {}

  /** Ten and twenty minutes later again, in case that Redis was away: what has been done is not done twice. */
  @Cron('0,10,20 1-23 * * *', { name: 'raise', timeZone: 'UTC' })
  everyHour(): Promise<Run> {
    return this.raise(hourOf(Date.now()));
  }

  @Cron('0,10,20 0 * * *', { name: 'set back', timeZone: 'UTC' })
  atMidnight(): Promise<Run> {
    return this.setBack(hourOf(Date.now()));
  }

  /** @param tick what it is done once for: the hour, whatever the clock says */
  raise(tick: string): Promise<Run> {
    return this.once('raise', tick, () =>
      this.limiter.limits.set('trial', ({ limit }) =>
        limit < MOST ? { limit: Math.min(limit + STEP, MOST) } : undefined,
      ),
    );
  }

  setBack(tick: string): Promise<Run> {
    return this.once('set back', tick, () => this.limiter.limits.clear('trial'));
  }

  private async once(job: Run['job'], tick: string, work: () => Promise<LiveLimit>): Promise<Run> {
    const key = `${job} ${tick}`;
    const ran = (rest: Pick<Run, 'outcome' | 'limit'>): Run => ({ job, tick, at: Date.now(), ...rest });
    let isOurs = false;
    try {
      isOurs = (await this.limiter.consume(ONCE, key)).allowed;
      if (!isOurs) return ran({ outcome: 'done before' });
      return (this.last = ran({ outcome: 'done', limit: (await work()).limit }));
    } catch (error) {
      this.logger.warn(`${key}: ${error instanceof Error ? error.message : String(error)}`);
      // Work without an answer may have been done: the unit is kept then, for twice is worse than not at all.
      const isUndone = isOurs && !(error instanceof StoreUnavailableError);
      if (isUndone) await this.limiter.consume(ONCE, key, { cost: -1 }).catch(() => undefined);
      return (this.last = ran({ outcome: 'failed' }));
    }
  }
}
