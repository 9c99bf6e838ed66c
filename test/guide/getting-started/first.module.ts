import { Controller, Get, Module } from '@nestjs/common';
import { RateLimitModule } from 'nestjs-redis-rate-limit';

@Controller('cats')
class CatsController {
  @Get()
  list() {
    return ['Tom'];
  }
}

@Module({
  imports: [
    RateLimitModule.forRoot({
      policies: { burst: { limit: 3, window: '10s' } },
      default: ['burst'], // governs every handler
    }),
  ],
  controllers: [CatsController],
})
export class AppModule {}
