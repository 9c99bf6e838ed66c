import { Controller, Get, Injectable, Module, Scope, type Provider } from '@nestjs/common';
import {
  RATE_LIMIT_OBSERVER,
  RateLimit,
  RateLimiter,
  type DecisionEvent,
  type Observer,
} from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';

@Controller()
class ThingsController {
  @Get()
  @RateLimit('things')
  things() {}
}

@Injectable()
class Counts {
  readonly seen: string[] = [];
}

/** Its method is a field, and it needs the limiter. */
@Injectable()
class Watching implements Observer {
  constructor(
    private readonly counts: Counts,
    private readonly limiter: RateLimiter,
  ) {}

  decided = ({ policy, remaining }: DecisionEvent) =>
    void this.counts.seen.push(`${policy} ${remaining} ${this.limiter.constructor.name}`);
}

@Module({ providers: [Counts, { provide: RATE_LIMIT_OBSERVER, useClass: Watching }], exports: [Counts] })
class WatchingModule {}

@Module({ providers: [Counts, Watching, { provide: RATE_LIMIT_OBSERVER, useExisting: Watching }], exports: [Counts] })
class OtherModule {}

afterEach(closeApps);

const start = (providers: Provider[], options = {}) =>
  boot(
    'express',
    { policies: { things: { limit: 5, window: '1h' } }, ...options },
    { controllers: [ThingsController], providers, imports: [WatchingModule, OtherModule] },
  );

it('observers of several modules receive events, beside the one of the options', async () => {
  const seen: string[] = [];
  const own = { decided: ({ policy }: DecisionEvent) => void seen.push(`own ${policy}`) };
  const made = {
    provide: RATE_LIMIT_OBSERVER,
    useFactory: async () => ({ decided: () => void seen.push('factory') }),
  };
  const { nest, get } = await start([made], { observer: own });
  await get('/');
  expect(seen).toEqual(['own things', 'factory']);
  for (const module of [WatchingModule, OtherModule]) {
    expect(nest.select(module).get(Counts, { strict: true }).seen).toEqual(['things 4 RateLimiter']);
  }
});

it('an observer is never called before Nest has made it, however early something is decided', async () => {
  const seen: string[] = [];
  @Injectable()
  class Early implements Observer {
    constructor(private readonly limiter: RateLimiter) {
      void this.limiter.consume('things', 'a');
    }
    decided({ key }: DecisionEvent): void {
      seen.push(key);
    }
  }
  const { get } = await start([{ provide: RATE_LIMIT_OBSERVER, useClass: Early }]);
  await get('/');
  expect(seen).toEqual(['ip:127.0.0.1']);
});

it.each<[string, Provider, RegExp]>([
  ['nothing', { provide: RATE_LIMIT_OBSERVER, useValue: {} }, /RL_OBSERVER_INVALID: .* Root .*none of decided\(\)/],
  ['no object', { provide: RATE_LIMIT_OBSERVER, useFactory: () => undefined }, /none of decided\(\).*got undefined/],
  [
    'a request',
    { provide: RATE_LIMIT_OBSERVER, useFactory: () => ({ decided: () => undefined }), scope: Scope.REQUEST },
    /RL_OBSERVER_INVALID: .* Root .*request-scoped/,
  ],
  [
    'each that asks',
    { provide: RATE_LIMIT_OBSERVER, useFactory: () => ({ decided: () => undefined }), scope: Scope.TRANSIENT },
    /RL_OBSERVER_INVALID: .* Root .*transient/,
  ],
])('an observer of %s stops the start', async (_, provider, message) => {
  await expect(start([provider])).rejects.toThrow(message);
});
