import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';

/**
 * The name of the application that runs: that of the package of its main script, or of its working directory where the
 * script is another package's, as that of a process manager. In a workspace with one package.json for several
 * applications, the folder below `apps` is part of it.
 *
 * @returns `undefined` where no package.json with a name is found
 */
export function applicationName(main = process.argv[1], cwd = process.cwd()): string | undefined {
  const isOwn = main !== undefined && isAbsolute(main) && !main.split(sep).includes('node_modules');
  // `node dist/apps/api` runs the index file of a folder.
  if (!isOwn) return packageAbove(cwd)?.name;
  const script = isFolder(main) ? join(main, 'index.js') : main;
  // Not the working directory's here: the same bundle may be started from anywhere.
  const own = packageAbove(dirname(script));
  if (!own) return undefined;
  const folders = relative(own.folder, script).split(sep).slice(0, -1);
  const app = folders.includes('apps') ? folders[folders.indexOf('apps') + 1] : undefined;
  return app === undefined ? own.name : `${own.name}/${app}`;
}

/** The nearest package.json with a name: one that only says `"type": "module"` has none. */
function packageAbove(folder: string): { name: string; folder: string } | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const name = nameIn(join(at, 'package.json'));
    if (name !== undefined) return { name, folder: at };
    if (at === dirname(at)) return undefined;
  }
}

function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
