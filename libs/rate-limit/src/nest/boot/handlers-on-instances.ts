import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { functionOf } from '../plan/routes.js';
import type { Plans } from '../plan/plans.js';
import { refuseStraysOutside } from '../plan/strays.js';
import { RATE_LIMIT_PLANS } from '../tokens.js';
import { bindLateTo } from './late-phase.js';

/**
 * Sees to handlers that instances have in place of those of their class: a constructor bound them, a test put doubles
 * there.
 */
@Injectable()
export class HandlersOnInstances implements OnModuleInit {
  constructor(
    @Inject(RATE_LIMIT_PLANS) private readonly plans: Plans,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /** When all instances are there. Nest makes the routes next, of what the instances have now. */
  beforeRoutes(): void {
    const { plans } = this;
    for (const route of plans.routes) {
      if (plans.for(route.controller, route.name).late.length === 0 || !plans.isLateBound(route.handler)) continue;
      const handler = functionOf(route);
      if (!plans.isLateBound(handler)) bindLateTo(route, handler);
    }
    plans.recogniseHandlers();
  }

  /** Middleware is known by now. */
  onModuleInit(): void {
    refuseStraysOutside(this.modules);
  }
}
