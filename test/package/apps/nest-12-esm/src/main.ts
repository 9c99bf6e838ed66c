import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
for (let request = 0; request < 3; request++) {
  const { status, headers } = await fetch(url);
  console.log(status, headers.get('ratelimit'), headers.get('content-type'));
}
// Nothing ends the process: it ends because nothing is left open.
await app.close();
