/** @type {import('jest').Config} */
module.exports = {
  testMatch: ['<rootDir>/test/*.test.ts'],
  transform: { '\\.ts$': 'ts-jest' },
};
