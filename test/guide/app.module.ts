import { Controller, Get, Module } from '@nestjs/common';
import { RateLimit, RateLimitModule, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';

/** Where quota is kept: what differs between environments, and what tests override. */
export const QUOTAS = Symbol('quotas');

@Controller('reports')
class ReportsController {
  @Get()
  @RateLimit('reports')
  list() {
    return [];
  }
}

@Module({
  providers: [{ provide: QUOTAS, useFactory: (): RateLimitModuleOptions => ({ redis: process.env.REDIS_URL }) }],
  exports: [QUOTAS],
})
class SettingsModule {}

@Module({
  imports: [
    RateLimitModule.forRootAsync({
      imports: [SettingsModule],
      inject: [QUOTAS],
      useFactory: (quotas: RateLimitModuleOptions) => ({
        policies: { reports: { limit: 2, window: '1m' } },
        ...quotas,
      }),
    }),
  ],
  controllers: [ReportsController],
})
export class AppModule {}
