import { Injectable, Module } from '@nestjs/common';

/** Stands for whatever knows your settings: ConfigService of @nestjs/config, a custom class. */
@Injectable()
export class Config {
  readonly redisUrl = process.env.REDIS_URL;
}

@Module({ providers: [Config], exports: [Config] })
export class ConfigModule {}
