import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { definePolicy, MemoryStore } from 'nestjs-redis-rate-limit';
import { storeConformance } from 'nestjs-redis-rate-limit/conformance';
import { AppModule } from '../src/app.module';

let app: INestApplication;
beforeAll(async () => {
  app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());

it('limits the application', async () => {
  const url = await app.getUrl();
  const statuses: number[] = [];
  for (let request = 0; request < 3; request++) statuses.push((await fetch(url)).status);
  expect(statuses).toEqual([200, 200, 429]);
});

it('finds the conformance suite', async () => {
  for (const { check } of storeConformance((now) => new MemoryStore({ now })).slice(0, 3)) await check();
  expect(definePolicy({ name: 'one', limit: 1, window: '1s' }).window).toBe(1_000);
});
