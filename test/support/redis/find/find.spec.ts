import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverKinds } from '../servers.js';
import { thisRun } from '../this-run.js';
import { findKinds } from './kinds.mjs';
import { serversOnPath } from './path.mjs';

// A server in a container cannot be put on the PATH: then the run counts these tests as skipped.
const kind = serverKinds().find(({ command }) => command);
const aServer = kind ? describe : describe.skip;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'on-path-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As Debian ships Redis: one program that goes by its name, and names that link to it. */
function install(...names: string[]): string {
  const words = kind!.command!.map((word) => `'${word}'`).join(' ');
  const script = `#!/bin/sh\ncase "$0" in *-server) exec ${words} "$@" ;; *) echo "checks a file" >&2; exit 1 ;; esac\n`;
  writeFileSync(join(folder, 'redis-check-rdb'), script, { mode: 0o755 });
  mkdirSync(join(folder, 'bin'));
  for (const name of names) symlinkSync('../redis-check-rdb', join(folder, 'bin', name));
  return join(folder, 'bin');
}

aServer('a server on the PATH that is a link to a program of several names', () => {
  const find = (path: string, elsewhere: () => never[]) =>
    findKinds(thisRun().dir, () => {}, {
      ways: {
        path: { atHand: (say) => serversOnPath(say, path), elsewhere: () => [] },
        fetch: { atHand: () => [], elsewhere },
      },
    });

  it('is started by the name it was found by, and nothing is fetched', async () => {
    const fetching = () => {
      throw new Error('fetched, though a server is installed');
    };
    const [found, ...others] = await find(install('redis-server'), fetching);
    expect(found).toMatchObject({ label: kind!.label, how: 'on PATH' });
    expect(others).toEqual([]);
  });

  it('is one server, however many names it has', () => {
    expect(serversOnPath(() => {}, install('redis-server', 'valkey-server'))).toHaveLength(1);
  });

  it('is looked for elsewhere when there is none', async () => {
    let asked = 0;
    expect(await find(folder, () => (asked++, []))).toEqual([]);
    expect(asked).toBe(1);
  });
});
