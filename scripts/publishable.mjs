// Before npm publish: refuses what is not committed, and what CI would refuse.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const changed = execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' });
if (changed) {
  console.error(`Not published: commit or remove these files first, because CI does not see them.\n${changed}`);
  process.exit(1);
}

// What npm publish was told is not meant for the npm inside: with --dry-run that would pack nothing.
const OWN = /^npm_config_(dry_run|workspaces?|include_workspace_root|tag|access|otp|json|provenance)$/;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN.test(name)));
console.log('Running what CI runs: about a quarter of an hour ...');
const { status } = spawnSync('bash', ['.ci/run'], { stdio: 'inherit', env });
if (status !== 0) console.error('Not published: the CI run failed.');
process.exit(status ?? 1);
