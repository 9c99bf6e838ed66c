import { Module, type DynamicModule } from '@nestjs/common';
import { RATE_LIMIT_OBSERVER } from 'nestjs-redis-rate-limit';
import { HoldsController } from './holds.controller.js';
import { PageController } from './page.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { ScheduleModule } from '../schedule/schedule.module.js';
import { ScheduleController } from './schedule.controller.js';
import { StoreController } from './store.controller.js';
import { StoreHealth } from './store-health.js';
import { BlockedCallers } from './watch/blocked-callers.js';
import { DecisionCounts } from './watch/decision-counts.js';
import { WatchController } from './watch/watch.controller.js';

/**
 * The playground, and the endpoints that it calls. It changes the limit of `trial` and the mode of
 * `search-tighter`, and it ends blocks of `login`.
 */
@Module({})
export class DemoModule {
  static with(health: StoreHealth): DynamicModule {
    return {
      module: DemoModule,
      imports: [ScheduleModule],
      controllers: [
        PageController,
        PlaygroundController,
        HoldsController,
        ScheduleController,
        StoreController,
        WatchController,
      ],
      providers: [
        { provide: StoreHealth, useValue: health },
        BlockedCallers,
        DecisionCounts,
        // The rate limiter finds it here, in any module.
        { provide: RATE_LIMIT_OBSERVER, useExisting: DecisionCounts },
      ],
    };
  }
}
