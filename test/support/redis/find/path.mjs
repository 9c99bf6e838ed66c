import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The servers installed on this machine. */
export function serversOnPath(say, path = process.env.PATH ?? '') {
  const files = ['redis-server', 'valkey-server'].map((name) => onPath(name, path)).filter(Boolean);
  if (files.length === 0) say('redis-server, valkey-server: not on PATH');
  // Where Valkey replaces Redis, both names are one file.
  const behind = files.map((file) => realpathSync(file));
  return files.filter((_, i) => behind.indexOf(behind[i]) === i).map((file) => ({ how: 'on PATH', command: [file] }));
}

/** By the name that was looked for: Debian's is a link to redis-check-rdb, which is a server only when called one. */
function onPath(name, path) {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
