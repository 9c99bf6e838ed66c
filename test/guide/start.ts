import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { AppModule, QUOTAS } from './app.module.js';

const open: INestApplication[] = [];

/** Starts the application on a free port, with these options for its quotas. Returns its url. */
export async function start(quotas: RateLimitModuleOptions): Promise<string> {
  const testing = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(QUOTAS)
    .useValue(quotas)
    .compile();
  const app = testing.createNestApplication({ logger: false });
  open.push(app);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

export async function stop(): Promise<void> {
  for (const app of open.splice(0)) await app.close();
}
