// Builds the library when what is built is older than its sources: processes of their own import what users get.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isStale } from '../../scripts/stale.mjs';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
if (isStale('libs/rate-limit/dist', 'libs/rate-limit/src', 'libs/rate-limit/package.json')) {
  execFileSync(process.execPath, ['scripts/build-library.mjs'], { stdio: 'inherit' });
}
