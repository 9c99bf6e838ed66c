// What is committed must mean the same on every machine.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

// A folder of one machine, and not a path within the repository or a url.
const MACHINE_PATH = /(?<![\w.}-])\/(?:root|home|work)\/[\w.-]/;

const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
});
const files = listed.split('\0').filter((path) => path && existsSync(path));

const complaints = [...files.flatMap(machinePaths), ...lockedUrls()];
if (complaints.length > 0) console.error(complaints.join('\n'));
process.exit(complaints.length === 0 ? 0 : 1);

function machinePaths(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line, i) => (MACHINE_PATH.test(line) ? [`${path}:${i + 1} names a path of one machine`] : []));
}

/** A lock file without urls installs from whatever registry npm is set to. */
function lockedUrls() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const resolved = Object.entries(packages).filter(([, { resolved, link }]) => resolved !== undefined && !link);
  return resolved.map(([name]) => `package-lock.json: ${name} is bound to a url ("resolved")`);
}
