import { Module, type DynamicModule } from '@nestjs/common';
import { PageController } from './page.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { StoreController } from './store.controller.js';
import { StoreHealth } from './store-health.js';

/** The page to play with, and what it asks. Nothing of it changes a limit of the application. */
@Module({})
export class DemoModule {
  static with(health: StoreHealth): DynamicModule {
    return {
      module: DemoModule,
      controllers: [PageController, PlaygroundController, StoreController],
      providers: [{ provide: StoreHealth, useValue: health }],
    };
  }
}
