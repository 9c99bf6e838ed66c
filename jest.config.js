import { availableParallelism } from 'node:os';

// Jest runs the TypeScript sources as ES modules: node --experimental-vm-modules (scripts/test.mjs does that).
/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Not in the system's temporary folder, which is Jest's own choice: a run leaves nothing there.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '/test/package/apps/',
    '/test/bench/',
    // Minutes long: npm test -- --long
    ...(process.env.TEST_LONG ? [] : ['/test/chaos/long/']),
  ],
  modulePathIgnorePatterns: ['<rootDir>/libs/.*/dist/', '<rootDir>/apps/.*/dist/', '<rootDir>/test/package/apps/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-redis-rate-limit$': '<rootDir>/libs/rate-limit/src/index.ts',
    '^nestjs-redis-rate-limit/engine$': '<rootDir>/libs/rate-limit/src/engine.ts',
    '^nestjs-redis-rate-limit/openapi$': '<rootDir>/libs/rate-limit/src/openapi.ts',
    '^nestjs-redis-rate-limit/conformance$': '<rootDir>/libs/rate-limit/src/conformance/store-conformance.ts',
    // @fastify/static requires an ES module of it, which Jest cannot. Express' copy will do: nothing is downloaded.
    '^content-disposition$': '<rootDir>/node_modules/content-disposition',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  // Jest's own choice is one less than there are cores; but most specs wait, for servers and timers. With one more than
  // there are cores a run is a fifth shorter, and faults that are timed fail for want of a processor.
  maxWorkers: Math.max(2, availableParallelism()),
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  testTimeout: 30_000,
};
