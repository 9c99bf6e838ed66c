import { Injectable, Logger, Module } from '@nestjs/common';
import {
  RATE_LIMIT_OBSERVER,
  type BlockEvent,
  type DecisionEvent,
  type NearLimitEvent,
  type Observer,
} from 'nestjs-redis-rate-limit';

/** Counts what each policy denies, and names the customers that come near a limit. */
@Injectable()
export class WatchLimits implements Observer {
  private readonly logger = new Logger(WatchLimits.name);
  /** Denials by policy and reason. */
  readonly denials = new Map<string, number>();

  // Within the request: only count here.
  decided({ policy = 'all', allowed, shadow, reason }: DecisionEvent): void {
    if (allowed) return;
    const kind = `${policy}: ${shadow ? 'would be ' : ''}${reason}`;
    this.denials.set(kind, (this.denials.get(kind) ?? 0) + 1);
  }

  // Rare: once for each caller and window.
  nearLimit({ policy, key, remaining, most }: NearLimitEvent): void {
    if (key.startsWith('tenant:')) this.logger.log(`${key} has ${remaining} of ${most} left under ${policy}`);
  }

  blocked({ policy, span, by }: BlockEvent): void {
    if (by === 'denial') this.logger.log(`${policy} blocks a caller for ${span / 1_000} s`);
  }
}

@Module({
  providers: [WatchLimits, { provide: RATE_LIMIT_OBSERVER, useExisting: WatchLimits }],
  exports: [WatchLimits],
})
export class WatchingModule {}
