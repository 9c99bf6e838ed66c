import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { byApiKey, byHeader, RateLimitModule } from 'nestjs-redis-rate-limit';
import { register } from 'prom-client';
import { AlgorithmsController } from './algorithms.controller.js';
import { ChatController } from './chat.controller.js';
import { CONFIG, type Config } from './config.js';
import { DemoModule } from './demo/demo.module.js';
import { StoreHealth } from './demo/store-health.js';
import { DocsController } from './docs/docs.controller.js';
import { ExportController } from './export.controller.js';
import { FeedController } from './feed.controller.js';
import { GenerateController } from './generate.controller.js';
import { HealthController } from './health.controller.js';
import { HomeController, IndexController } from './index.controller.js';
import { LoginController } from './login.controller.js';
import { LookController } from './look/look.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MinuteController } from './minute.controller.js';
import { PingController } from './ping.controller.js';
import { apiKeyOf, planOf } from './plans.js';
import { ReportController } from './report.controller.js';
import { ScheduleModule } from './schedule/schedule.module.js';
import { SearchController } from './search.controller.js';
import { subscriptionOf } from './subscriptions.js';
import { TrialController } from './trial.controller.js';
import { UploadController } from './upload.controller.js';
import { WeatherController } from './weather.controller.js';

/** Stands for the tenant of a user that a guard lets in: `byTenant`. */
const byTenantId = byHeader('x-tenant-id');

@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    const health = new StoreHealth(config);
    return {
      module: AppModule,
      imports: [
        ...(config.demo ? [DemoModule.with(health)] : []),
        ScheduleModule,
        TerminusModule,
        RateLimitModule.forRoot({
          ...(config.redis && { redis: config.redis }),
          prefix: config.prefix,
          observer: health,
          prometheus: register, // GET /metrics
          openTelemetry: config.traces,
          policies: {
            // By the client's address, which is what a policy without a key counts.
            ping: { limit: config.ping.limit, window: config.ping.window },
            burst: { limit: 5, window: '1s', key: byApiKey },
            hourly: { limit: 20, window: '1h', key: byApiKey },
            tokens: { algorithm: 'token-bucket', limit: 1000, window: '1m', key: byTenantId },
            uploads: { algorithm: 'concurrency', limit: 2, lease: '30s', key: byTenantId },
            login: { limit: 5, window: '1m', count: 'failures', blockFor: ['1m', '10m', '1h'] },
            plan: {
              limit: 5, // without an API key, by address
              window: '1m',
              key: byApiKey,
              resolve: planOf,
              resolveCache: { by: apiKeyOf, for: '30s' },
            },
            feed: {
              limit: 5,
              window: '1m',
              key: byApiKey,
              allow: config.apiKeys.allowed.map((apiKey) => ({ apiKey })),
              deny: config.apiKeys.denied.map((apiKey) => ({ apiKey })),
            },
            search: { limit: 20, window: '10s', key: byApiKey, warnAt: 0.8 },
            // Tried out on real requests: nobody is denied before the mode becomes 'enforce'.
            'search-tighter': { limit: 10, window: '10s', key: byApiKey, warnAt: 0.8, mode: 'shadow' },
            trial: { limit: 5, window: '1m', key: byApiKey }, // at midnight; TrialSchedule raises it
            minute: { limit: 10, window: 'minute', key: byApiKey }, // until the next full minute
            monthly: {
              limit: 10, // without an API key, by address
              window: 'month',
              key: byApiKey,
              resolve: subscriptionOf,
              resolveCache: { by: apiKeyOf, for: '30s' },
            },
          },
        }),
      ],
      controllers: [
        ...(config.demo ? [] : [HomeController]),
        IndexController,
        LookController,
        DocsController,
        HealthController,
        MetricsController,
        PingController,
        AlgorithmsController,
        ReportController,
        GenerateController,
        ChatController,
        UploadController,
        LoginController,
        WeatherController,
        FeedController,
        SearchController,
        TrialController,
        MinuteController,
        ExportController,
      ],
      providers: [{ provide: CONFIG, useValue: config }],
    };
  }
}
