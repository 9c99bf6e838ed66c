import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';

const require = createRequire(import.meta.url);

const PACKAGES = [
  'ioredis',
  '@nestjs/core',
  '@nestjs/throttler',
  '@nest-lab/throttler-storage-redis',
  'rate-limiter-flexible',
  'rate-limit-redis',
  'express-rate-limit',
];

/** On what the figures were got: nothing that names a machine. */
export function environment(redis, packages = PACKAGES) {
  return {
    date: new Date().toISOString().slice(0, 10),
    version: JSON.parse(readFileSync('libs/rate-limit/package.json', 'utf8')).version,
    commit: dateOfCommit(),
    node: process.versions.node,
    redis,
    cores: availableParallelism(),
    system: `${process.platform} ${process.arch}`,
    packages: Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
  };
}

/** The day of the commit that is measured; `undefined` where there is no Git. */
function dateOfCommit() {
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%cs'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Not every package exports its package.json. */
function versionOf(name) {
  for (const folder of require.resolve.paths(name)) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version;
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown';
}
