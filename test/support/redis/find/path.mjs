import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The servers installed on this machine. */
export function serversOnPath(say) {
  const files = ['redis-server', 'valkey-server'].map(onPath).filter(Boolean);
  if (files.length === 0) say('redis-server, valkey-server: not on PATH');
  // Where Valkey replaces Redis, both names are one file.
  return [...new Set(files)].map((file) => ({ how: 'on PATH', command: [file] }));
}

function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return realpathSync(file);
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
