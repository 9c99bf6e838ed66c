import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import { AppModule } from './app.module';

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
  documentRateLimits(app);
  const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  console.log(JSON.stringify(paths['/']?.get?.responses['429']));
  await app.close();
}

void main();
