import { Controller, Get, Injectable, Logger, Module, type INestApplicationContext } from '@nestjs/common';
import { ExternalContextCreator, NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport, type ClientProxy } from '@nestjs/microservices';
import { jest } from '@jest/globals';
import {
  RateLimit,
  RateLimiter,
  RateLimitExceededException,
  RateLimitModule,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { firstValueFrom, timeout } from 'rxjs';
import { boot, closeApps } from '../support/app.js';
import { freePort } from '../support/redis/ports.mjs';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const each of open.splice(0).reverse()) await each.close();
  await closeApps();
});

const one: RateLimitModuleOptions = { policies: { one: { limit: 1, window: '1h' } }, default: ['one'] };

/** Calls a handler as packages for bots, brokers and GraphQL do. */
const callerOf = (nest: INestApplicationContext, instance: object, name: string, type?: string) => {
  const handler = (instance as Record<string, (message: unknown) => unknown>)[name]!;
  const create = nest.get(ExternalContextCreator);
  return create.create(instance, handler, name, undefined, undefined, undefined, undefined, undefined, type) as (
    ...args: unknown[]
  ) => Promise<unknown>;
};

describe('handlers that are called without an HTTP request', () => {
  @Injectable()
  class Bot {
    onMessage({ text }: { text: string }) {
      return text;
    }

    onDenial() {
      throw new RateLimitExceededException(['one'], 1_000);
    }
  }

  @Controller()
  class MixedController {
    @Get()
    @RateLimit({ limit: 1, window: '1h' })
    web({ text }: { text?: string } = {}) {
      return text ?? 'web';
    }
  }

  const message = { text: 'hi', headers: { from: 'kafka' } };

  it.each<[string, RateLimitModuleOptions]>([
    ['a default policy', one],
    ['a deny list alone', { deny: ['203.0.113.0/24'] }],
  ])('pass and are said once, with %s', async (_what, options) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const { nest, get } = await boot('express', options, { controllers: [MixedController], providers: [Bot] });
    for (const [instance, name, type] of [
      [nest.get(Bot), 'onMessage'],
      // A handler of requests, called with something else before the first request: that must not make it forgotten.
      [nest.get(MixedController), 'web', 'rmq'],
      [nest.get(MixedController), 'web'],
    ] as const) {
      const call = callerOf(nest, instance, name, type);
      for (let i = 0; i < 3; i++) expect(await call(message, {})).toBe('hi');
    }
    expect(warn.mock.calls.map(([text]) => text as unknown)).toEqual([
      expect.stringMatching(/^Bot.onMessage was called without an HTTP request/),
      expect.stringMatching(/^Calls of type "rmq" are not limited/),
    ]);
    expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
  });

  it('get our exceptions as they are thrown', async () => {
    const { nest } = await boot('express', {}, { providers: [Bot] });
    const call = callerOf(nest, nest.get(Bot), 'onDenial');
    await expect(call(message)).rejects.toBeInstanceOf(RateLimitExceededException);
    await expect(callerOf(nest, nest.get(Bot), 'onDenial', 'graphql')({})).rejects.toBeInstanceOf(
      RateLimitExceededException,
    );
  });
});

describe('a message handler that throws our exception', () => {
  @Controller()
  class MessagesController {
    constructor(private readonly limiter: RateLimiter) {}

    @MessagePattern('ask')
    async ask() {
      const { allowed, retryAfter } = await this.limiter.consume('one', 'key');
      if (!allowed) throw new RateLimitExceededException(['one'], retryAfter);
      return 'answer';
    }
  }

  @Module({ imports: [RateLimitModule.forRoot({ policies: one.policies })], controllers: [MessagesController] })
  class MessagesModule {}

  it.each(['a microservice', 'a hybrid application'])('answers its caller with an error, in %s', async (kind) => {
    const tcp = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: await freePort() } };
    if (kind === 'a microservice') {
      const service = await NestFactory.createMicroservice(MessagesModule, { ...tcp, logger: false });
      open.push(service);
      await service.listen();
    } else {
      const nest = await NestFactory.create(MessagesModule, { logger: false });
      open.push(nest);
      nest.connectMicroservice(tcp, { inheritAppConfig: true });
      await nest.startAllMicroservices();
    }
    const client: ClientProxy = ClientProxyFactory.create(tcp);
    open.push(client);
    const ask = () => firstValueFrom(client.send<unknown>('ask', {}).pipe(timeout(2_000)));
    expect(await ask()).toBe('answer');
    await expect(ask()).rejects.toMatchObject({ status: 'error' });
  });
});
