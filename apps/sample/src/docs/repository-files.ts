import { readdirSync, readFileSync } from 'node:fs';
import { extname, posix } from 'node:path';

const ROOT = new URL('../../../../', import.meta.url);
/** Where readers may go from the README. */
const FOLDERS = ['docs', 'apps/sample/src'];
const SHOWN = ['.md', '.ts', '.svg', '.png'];

/** The files of this repository that people read, by their paths in it. Nothing else can be asked for. */
export const repositoryFiles: ReadonlySet<string> = new Set([
  ...namesIn('.'),
  ...FOLDERS.flatMap((folder) => namesIn(folder, true)),
]);

/** @param path one of them */
export const readRepositoryFile = (path: string): Buffer => readFileSync(new URL(path, ROOT));

function namesIn(folder: string, recursive = false): string[] {
  try {
    return readdirSync(new URL(folder, ROOT), { recursive, encoding: 'utf8' })
      .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
      .filter((path) => SHOWN.includes(extname(path)));
  } catch {
    // An image may leave the docs out.
    return [];
  }
}
