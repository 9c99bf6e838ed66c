// npm start: installs what the sample needs, and runs it from its sources.
import { fileURLToPath } from 'node:url';
import { inForeground } from './foreground.mjs';
import { ensureSampleInstalled } from './install.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
await ensureSampleInstalled();

// Not built: the compiler alone would take longer than all of this.
const sources = ['--import', './scripts/typescript/register.mjs', 'apps/sample/src/main.ts'];
const { status } = await inForeground([process.execPath, ...sources]);
process.exit(status);
