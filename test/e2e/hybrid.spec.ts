import { Controller, Get, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { jest } from '@jest/globals';
import { RateLimitModule } from 'nestjs-redis-rate-limit';
import { createServer } from 'node:net';
import { firstValueFrom } from 'rxjs';

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

it('messages of a hybrid application pass the global guard, are not limited, and that is said once', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  const nest = await NestFactory.create(HybridModule, { logger: false });
  open.push(nest);
  const tcp = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: await freePort() } };
  nest.connectMicroservice(tcp, { inheritAppConfig: true });
  await nest.startAllMicroservices();
  await nest.listen(0, '127.0.0.1');

  const client = ClientProxyFactory.create(tcp);
  open.push(client);
  for (let i = 0; i < 3; i++) expect(await firstValueFrom(client.send('ask', {}))).toBe('message');
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/^Calls of type "rpc" are not limited: /)]]);

  const url = await nest.getUrl();
  expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([200, 429]);
});
