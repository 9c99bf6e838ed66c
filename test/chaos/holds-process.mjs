/**
 * One process of an application whose policies hold what a request takes until it ends: the package as users get it, in
 * Nest. It reports everything that happens to a witness outside Redis (witness.ts).
 *
 * node holds-process.mjs SETTINGS: sends { port } when it listens. With the message 'end' it closes the application, sends what
 * it has seen, and must then end by itself.
 */
import 'reflect-metadata';
import { createConnection } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadRequestException, Controller, Get, Module, ParseIntPipe, Query, Res, StreamableFile } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { RateLimit, RateLimitModule } from 'nestjs-redis-rate-limit';
import { awakeClock } from '../support/awake.mjs';

const { adapter, options, policies, witness } = JSON.parse(process.argv[2]);

const log = [];
const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(String(error)));
process.on('uncaughtException', (error) => unhandled.push(String(error)));
process.on('warning', (warning) => unhandled.push(String(warning)));

const line = (message) => void (log.length < 1_000 && log.push(String(message)));
const quiet = () => undefined;
const logger = { log: quiet, warn: line, error: line, debug: quiet, verbose: quiet, fatal: line };

/** Tells the witness something. What is awaited has been noted. */
const link = createConnection(witness, '127.0.0.1').setNoDelay().setEncoding('utf8');
const noted = [];
let pending = '';
link.on('data', (text) => {
  const lines = `${pending}${text}`.split('\n');
  pending = lines.pop();
  for (let i = 0; i < lines.length; i++) noted.shift()();
});
function tell(...words) {
  return new Promise((resolve) => {
    noted.push(resolve);
    link.write(`${words.join(' ')}\n`);
  });
}

/** The request that a context is of. */
const asked = (context) => context.switchToHttp().getRequest().query;

const uses = {
  /** A quota of each request's own: what became of it can be read one by one. */
  each: { key: (_, request) => request.query.id, cost: (context) => Number(asked(context).estimate), settle: settled },
  tenant: {
    key: (_, request) => request.query.tenant,
    cost: (context) => Number(asked(context).estimate),
    settle: ({ context }) => Number(asked(context).used),
  },
  failures: {
    key: () => 'all',
    count({ ending, context }) {
      const counts = ending !== 'success' && ending !== 'refused';
      void tell('counted', asked(context).id, Number(counts));
      return counts;
    },
  },
  slots: { key: () => 'all' },
};

function settled({ context }) {
  const { id, used } = asked(context);
  void tell('settled', id, used);
  return Number(used);
}

async function within({ id, ms }) {
  await tell('enter', id);
  await sleep(Number(ms));
  await tell('leave', id);
}

class Work {
  async returns(query) {
    await within(query);
    return { used: query.used };
  }

  async throws(query) {
    await within(query);
    throw new BadRequestException();
  }

  /** It returns before it answers. */
  responds(query, response) {
    void within(query).then(() => response.send('done'));
  }

  streams(query) {
    const pieces = async function* () {
      await tell('enter', query.id);
      yield 'some';
      await sleep(Number(query.ms));
      yield 'more';
      await tell('leave', query.id);
    };
    return new StreamableFile(Readable.from(pieces()));
  }

  refused() {
    throw new Error('a pipe refuses this');
  }
}

const used = Object.keys(policies);
for (const name of Object.getOwnPropertyNames(Work.prototype).filter((each) => each !== 'constructor')) {
  const method = Object.getOwnPropertyDescriptor(Work.prototype, name);
  Get(name)(Work.prototype, name, method);
  RateLimit(...used)(Work.prototype, name, method);
  if (name === 'refused') Query('id', ParseIntPipe)(Work.prototype, name, 0);
  else Query()(Work.prototype, name, 0);
}
Res()(Work.prototype, 'responds', 1);
Controller()(Work);

class Root {}
const catalogue = Object.fromEntries(used.map((name) => [name, { ...policies[name], ...uses[name] }]));
Module({ imports: [RateLimitModule.forRoot({ ...options, policies: catalogue })], controllers: [Work] })(Root);

const app = await NestFactory.create(Root, adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(), {
  logger,
  forceCloseConnections: true,
});
await app.listen(0, '127.0.0.1');

// Its parent is gone.
process.on('disconnect', process.exit);

process.on('message', async () => {
  const awake = awakeClock();
  await app.close();
  const closing = awake.now();
  awake.stop();
  link.end();
  process.off('disconnect', process.exit);
  process.send({ log, unhandled, closing }, () => process.disconnect());
});
process.send({ port: app.getHttpServer().address().port });
