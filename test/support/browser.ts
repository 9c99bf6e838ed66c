import { chromium, type Browser, type LaunchOptions } from 'playwright-core';
import { execFileSync, spawnSync } from 'node:child_process';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
/** Root has no sandbox; the others keep a browser from asking anybody but the page's own server. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** In milliseconds, as all spans. */
const STARTS_WITHIN = 20_000;
const INSTALLS_WITHIN = 240_000;

/**
 * A real browser: CHROMIUM_PATH, one on the PATH, an installed Chrome or Edge, or Debian's Chromium, installed where
 * this process may. `undefined`, and said loudly, where none can be had.
 */
export async function launchBrowser(): Promise<Browser | undefined> {
  const found = (await firstOf(candidates())) ?? (installed() ? await firstOf(candidates()) : undefined);
  if (!found) {
    process.stderr.write(
      '\n*** The page is NOT TESTED: there is no Chromium here, and none could be installed. ***\n' +
        '*** Install one (Debian: apt-get install chromium), or name one in CHROMIUM_PATH.  ***\n\n',
    );
  }
  return found;
}

function candidates(): LaunchOptions[] {
  const named = process.env.CHROMIUM_PATH;
  // Whoever names one means that one.
  if (named) return [{ executablePath: named }];
  const onPath = NAMES.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout?.trim());
  const paths = onPath.filter((path) => path).map((executablePath) => ({ executablePath }));
  return [...paths, { channel: 'chrome' }, { channel: 'msedge' }];
}

async function firstOf(options: LaunchOptions[]): Promise<Browser | undefined> {
  for (const each of options) {
    try {
      return await chromium.launch({ ...each, args: ARGS, timeout: STARTS_WITHIN });
    } catch (error) {
      if (process.env.CHROMIUM_PATH) throw error;
    }
  }
  return undefined;
}

/** Only root may, and only where Debian's packages are. */
function installed(): boolean {
  if (process.getuid?.() !== 0 || spawnSync('which', ['apt-get']).status !== 0) return false;
  process.stderr.write('Installing Chromium to test the page with ...\n');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, timeout: INSTALLS_WITHIN, stdio: 'ignore' });
    const packages = ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'];
    execFileSync('apt-get', packages, { env, timeout: INSTALLS_WITHIN, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
