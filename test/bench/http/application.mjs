// One variant on one adapter, in a process of its own: node application.mjs '{"adapter":…,"variant":…,"redis":…}'
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { manyClients } from './clients.mjs';
import { moduleFor } from './module.mjs';
import { startProfile, stopProfile } from './profiler.mjs';

const adapterFor = {
  express: async () => new (await import('@nestjs/platform-express')).ExpressAdapter(),
  fastify: async () => new (await import('@nestjs/platform-fastify')).FastifyAdapter(),
};

/** What was said to be wrong. A limiter that gave Redis up for a while was not the one to be measured. */
const complaints = [];
const ignore = () => {};
const complain = (message) => complaints.push(message);

const answers = {
  usage: () => ({ ...process.cpuUsage(), complaints }),
  startProfile,
  stopProfile,
};

// Whoever started us is gone, in whatever way.
process.once('disconnect', () => process.exit());

const { adapter, variant, redis } = JSON.parse(process.argv[2]);
const app = await NestFactory.create(moduleFor(variant, redis), await adapterFor[adapter](), {
  logger: { log: ignore, warn: complain, error: complain },
  abortOnError: false,
});
await app.listen(0, '127.0.0.1');
manyClients(app.getHttpServer());

process.on('message', async ({ ask, about }) => process.send(await answers[ask](about)));
process.send({ port: app.getHttpServer().address().port });
