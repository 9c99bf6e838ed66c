import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { exists, read, ROOT } from './pages.js';

/** The paths that the map of docs/architecture.md names: what is indented lies in what is above it. */
function mapped(): string[] {
  const { lines } = read('docs/architecture.md').blocks[0]!;
  const above: { indent: number; path: string }[] = [];
  return lines.flatMap((line) => {
    const [, space = '', names = ''] = /^( *)(.*?)(?: {2,}.*)?$/.exec(line)!;
    while (above.length > 0 && above.at(-1)!.indent >= space.length) above.pop();
    const folder = above.at(-1)?.path ?? '';
    const paths = names.split(' ').map((name) => folder + name);
    above.push({ indent: space.length, path: paths[0]! });
    return paths;
  });
}

describe('the map of docs/architecture.md', () => {
  it('names nothing that is not there', () => {
    expect(mapped().filter((path) => !exists(path))).toEqual([]);
  });

  it('names nothing twice', () => {
    expect(mapped().filter((path, i, paths) => path !== '' && paths.indexOf(path) < i)).toEqual([]);
  });

  it.each(['libs/rate-limit/src/', 'test/'])('names every folder of %s', (folder) => {
    const folders = readdirSync(join(ROOT, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(mapped()).toEqual(expect.arrayContaining(folders.map(({ name }) => `${folder}${name}/`)));
  });
});
