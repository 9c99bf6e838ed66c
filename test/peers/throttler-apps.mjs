/**
 * Applications that @nestjs/throttler limits, in a process of their own: it is CommonJS and NestJS 12 is not, which
 * Node puts together and Jest does not. Decorators are called by hand. Tells each one's url by its name.
 */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { SkipThrottle, Throttle, ThrottlerGuard, ThrottlerModule, ThrottlerStorageService } from '@nestjs/throttler';

const MINUTE = 60_000;
const byHeader = (name) => (request) => request.headers[name];

/** A controller with one handler. */
function cats(path, ...onHandler) {
  class CatsController {
    find() {
      return 'cats';
    }
  }
  const { prototype } = CatsController;
  Reflect.decorate([Get(), ...onHandler], prototype, 'find', Object.getOwnPropertyDescriptor(prototype, 'find'));
  return Reflect.decorate([Controller(path)], CatsController);
}

/** What its storage was asked, limit after limit. */
const asked = [];
class TalkingStorage extends ThrottlerStorageService {
  async increment(...told) {
    asked.push(told.map((each) => typeof each));
    return super.increment(...told);
  }
}
function askedController() {
  class AskedController {
    tell() {
      return asked.splice(0);
    }
  }
  const { prototype } = AskedController;
  Reflect.decorate([Get(), SkipThrottle({ minute: true, hour: true, day: true })], prototype, 'tell', {
    value: prototype.tell,
  });
  return Reflect.decorate([Controller('asked')], AskedController);
}

const applications = {
  tenantAndUser: {
    options: [
      { name: 'tenant', limit: 3, ttl: MINUTE, getTracker: byHeader('tenant') },
      { name: 'user', limit: 1, ttl: MINUTE, getTracker: byHeader('user') },
    ],
    controllers: [cats('')],
  },
  threeLimits: {
    options: {
      storage: new TalkingStorage(),
      throttlers: [
        { name: 'minute', limit: 1, ttl: MINUTE },
        { name: 'hour', limit: 5, ttl: 60 * MINUTE },
        { name: 'day', limit: 5, ttl: 1_440 * MINUTE },
      ],
    },
    controllers: [cats(''), askedController()],
  },
  silentStorage: {
    options: { storage: { increment: () => new Promise(() => {}) }, throttlers: [{ limit: 1, ttl: MINUTE }] },
    controllers: [cats('')],
  },
  failingStorage: {
    options: {
      storage: { increment: () => Promise.reject(new Error('away')) },
      throttlers: [{ limit: 1, ttl: MINUTE }],
    },
    controllers: [cats('')],
  },
  mistakes: {
    options: [{ name: 'login', limit: 5, ttl: MINUTE, blockDuratoin: MINUTE }],
    controllers: [cats('', Throttle({ logn: { limit: 1, ttl: MINUTE } }))],
  },
  skipped: {
    options: [{ name: 'minute', limit: 1, ttl: MINUTE }],
    controllers: [cats('', SkipThrottle())],
  },
  twins: {
    options: [{ limit: 1, ttl: MINUTE }],
    controllers: [cats('black'), cats('white')],
  },
  skipIfPromise: {
    options: { skipIf: async () => false, throttlers: [{ limit: 1, ttl: MINUTE }] },
    controllers: [cats('')],
  },
};

const urls = {};
for (const [name, { options, controllers }] of Object.entries(applications)) {
  const limits = ThrottlerModule.forRoot(options);
  const providers = [{ provide: APP_GUARD, useClass: ThrottlerGuard }];
  const module = Reflect.decorate([Module({ imports: [limits], controllers, providers })], class ApplicationModule {});
  const app = await NestFactory.create(module, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  urls[name] = `http://127.0.0.1:${app.getHttpServer().address().port}`;
}

process.once('disconnect', () => process.exit());
process.send(urls);
