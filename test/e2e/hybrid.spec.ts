import { Controller, Get, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, RpcException, Transport } from '@nestjs/microservices';
import { jest } from '@jest/globals';
import { RateLimit, RateLimitModule } from 'nestjs-redis-rate-limit';
import { createServer } from 'node:net';
import { firstValueFrom } from 'rxjs';
import type { Transport as LimitedTransport } from '../../libs/rate-limit/src/nest/transports/transport.js';
import { transports } from '../../libs/rate-limit/src/nest/transports/transports.js';

@Controller()
class HybridController {
  @Get()
  http() {
    return 'http';
  }

  @MessagePattern('ask')
  message() {
    return 'message';
  }
}

@Module({
  imports: [RateLimitModule.forRoot({ policies: { one: { limit: 1, window: '1h' } }, default: ['one'] })],
  controllers: [HybridController],
})
class HybridModule {}

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

const open: { close(): unknown }[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Starts a module over HTTP and TCP, and returns a client of the latter. */
async function start(module: Type) {
  const nest = await NestFactory.create(module, { logger: false, abortOnError: false });
  open.push(nest);
  const tcp = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: await freePort() } };
  nest.connectMicroservice(tcp, { inheritAppConfig: true });
  await nest.startAllMicroservices();
  await nest.listen(0, '127.0.0.1');
  const client = ClientProxyFactory.create(tcp);
  open.push(client);
  return { nest, ask: (pattern: string): Promise<unknown> => firstValueFrom(client.send(pattern, {})) };
}

it('messages of a hybrid application pass the global guard, are not limited, and that is said once', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  const { nest, ask } = await start(HybridModule);
  for (let i = 0; i < 3; i++) expect(await ask('ask')).toBe('message');
  expect(warn.mock.calls).toEqual([
    // At boot, for applications whose messages do not meet the global guard.
    [expect.stringMatching(/default policies do not limit messages, .*: HybridController.message\. /)],
    [expect.stringMatching(/^Calls of type "rpc" are not limited: /)],
  ]);

  const url = await nest.getUrl();
  expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([200, 429]);
});

describe('a transport, added to the list', () => {
  /** Messages. Patterns of Nest's microservices mark the handlers. */
  const messages: LimitedTransport = {
    type: 'rpc',
    handlersIn: 'controllers',
    handles: (method) => Reflect.hasMetadata('microservices:pattern', method),
    exchangeOf: () => ({ request: { ip: '192.0.2.1', headers: {} }, isAnswered: false, setFields: () => {} }),
    exceptionFor: ({ violatedPolicies }) => new RpcException(`over ${violatedPolicies.join()}`),
  };
  beforeEach(() => void transports.push(messages));
  afterEach(() => void transports.pop());

  @Controller()
  class LimitedController {
    @MessagePattern('own')
    @RateLimit({ name: 'own', limit: 1, window: '1h' })
    own() {
      return 'message';
    }

    @MessagePattern('default')
    byDefault() {
      return 'message';
    }
  }

  @Module({
    imports: [RateLimitModule.forRoot({ policies: { two: { limit: 2, window: '1h' } }, default: ['two'] })],
    controllers: [LimitedController],
  })
  class LimitedModule {}

  it('limits its handlers by their plans, and denies in its own words', async () => {
    const { ask } = await start(LimitedModule);
    expect(await ask('own')).toBe('message');
    await expect(ask('own')).rejects.toMatchObject({ message: 'over own' });
    expect(await ask('default')).toBe('message');
    await expect(ask('default')).rejects.toMatchObject({ message: 'over two' });
  });
});
