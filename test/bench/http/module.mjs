// The application's root module for a variant. Node runs this file as it is, so decorators are called by hand.
import { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { byUser, RateLimit, RateLimitModule } from 'nestjs-redis-rate-limit';
import { PromiseGuard, UserGuard } from './guards.mjs';

/** Beyond what any client of a run can spend: what is measured is the admission. */
const LIMIT = 1_000_000;
const WINDOWS = [
  { name: 'minute', window: 60_000 },
  { name: 'hour', window: 3_600_000 },
  { name: 'day', window: 86_400_000 },
];

export function moduleFor(variant, redis) {
  const wire = wirings[variant.limiter ?? 'none'];
  const { imports = [], global, atHandler = [] } = wire(variant, variant.store === 'redis' ? redis : undefined);
  const controller = items({ onClass: variant.users ? [UseGuards(UserGuard)] : [], onHandler: atHandler });
  const providers = global ? [{ provide: APP_GUARD, useClass: global }] : [];
  return Reflect.decorate([Module({ imports, providers, controllers: [controller] })], class ApplicationModule {});
}

const wirings = {
  none({ guard, users }) {
    if (!guard) return {};
    return users ? { atHandler: [UseGuards(PromiseGuard)] } : { global: PromiseGuard };
  },

  throttler({ limits }, redis) {
    const throttlers = WINDOWS.slice(0, limits).map(({ name, window }) => ({
      ...(limits > 1 && { name }),
      ttl: window,
      limit: LIMIT,
    }));
    const storage = redis && new ThrottlerStorageRedisService(redis);
    return { imports: [ThrottlerModule.forRoot({ throttlers, storage })], global: ThrottlerGuard };
  },

  // As its README says, with everything else left at its default.
  ours({ limits, users }, redis) {
    const policies = WINDOWS.slice(0, limits).map(({ name, window }) => ({ name, limit: LIMIT, window }));
    return {
      imports: [RateLimitModule.forRoot({ ...(redis && { redis }), default: users ? [] : policies })],
      atHandler: users ? [RateLimit({ ...policies[0], key: byUser })] : [],
    };
  },
};

/** GET /items/1 */
function items({ onClass, onHandler }) {
  class ItemsController {
    find() {
      return { id: 1, name: 'lamp', price: 4990, inStock: true };
    }
  }
  const { prototype } = ItemsController;
  const handler = Object.getOwnPropertyDescriptor(prototype, 'find');
  Reflect.decorate([Get('1'), ...onHandler], prototype, 'find', handler);
  return Reflect.decorate([Controller('items'), ...onClass], ItemsController);
}
