/**
 * One instance of an application, which raises a limit some times, all at once: the package as users get it.
 *
 * node limit-writer.mjs URL PREFIX TIMES: tells its parent the limits that it set, and ends.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RateLimiter, RateLimitModule } from 'nestjs-redis-rate-limit';

const [url, prefix, times] = process.argv.slice(2);

class App {}
Module({
  imports: [
    RateLimitModule.forRoot({ redis: url, prefix, timeout: 20_000, policies: { daily: { limit: 10, window: '1d' } } }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
const { limits } = app.get(RateLimiter);
const raised = await Promise.all(
  Array.from({ length: Number(times) }, () => limits.set('daily', ({ limit }) => ({ limit: limit + 1 }))),
);
process.send(raised.map(({ limit }) => limit));
await app.close();
process.disconnect();
