import { Module, type DynamicModule } from '@nestjs/common';
import { HoldsController } from './holds.controller.js';
import { PageController } from './page.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { ScheduleModule } from '../schedule/schedule.module.js';
import { ScheduleController } from './schedule.controller.js';
import { StoreController } from './store.controller.js';
import { StoreHealth } from './store-health.js';

/** The playground, and what it asks. It changes no limit of the application but that of `trial`. */
@Module({})
export class DemoModule {
  static with(health: StoreHealth): DynamicModule {
    return {
      module: DemoModule,
      imports: [ScheduleModule],
      controllers: [PageController, PlaygroundController, HoldsController, ScheduleController, StoreController],
      providers: [{ provide: StoreHealth, useValue: health }],
    };
  }
}
