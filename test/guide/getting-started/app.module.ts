import { Module } from '@nestjs/common';
import { RateLimitModule } from 'nestjs-redis-rate-limit';
import { CatsController } from './cats.controller.js';
import { Config, ConfigModule } from './config.module.js';

@Module({
  imports: [
    RateLimitModule.forRootAsync({
      imports: [ConfigModule],
      inject: [Config],
      useFactory: (config: Config) => ({
        redis: config.redisUrl, // undefined: in memory
        policies: { burst: { limit: 3, window: '10s' } },
        default: ['burst'],
      }),
    }),
  ],
  controllers: [CatsController],
})
export class AppModule {}
