// node scripts/draw-page.mjs: docs/pictures/page.png, the sample's page in a scene. Needs a Chromium: CHROMIUM_PATH, or one
// on the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { fewColours } from './pictures/few-colours.mjs';

const PICTURE = 'docs/pictures/page.png';
const SIZE = { viewport: { width: 1240, height: 811 }, deviceScaleFactor: 1 };
/** The scene takes 10 seconds. Then the sliding window gives some back. */
const LASTS = 14_500;

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
await ensureInstalled();
if (spawnSync('npm run build', { stdio: 'inherit', shell: true }).status !== 0) process.exit(1);

const { chromium } = await import('playwright-core');
const sample = spawn(process.execPath, ['apps/sample/dist/main.js'], { env: { PORT: '0' } });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? onPath(),
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage({ ...SIZE, reducedMotion: 'reduce', colorScheme: 'light' });
  await page.goto(await address());
  await page.locator('[data-preset=boundary]').click();
  await page.waitForTimeout(LASTS);
  const blank = await browser.newPage();
  writeFileSync(PICTURE, await fewColours(blank, await page.screenshot()));
  console.log(`${PICTURE}: ${Math.round(statSync(PICTURE).size / 1_024)} kB`);
} finally {
  await browser.close();
  sample.kill();
}

async function address() {
  let greeting = '';
  for await (const chunk of sample.stdout) {
    greeting += chunk;
    const [, url] = /^Sample: (\S+)/m.exec(greeting) ?? [];
    if (url) return url;
  }
  throw new Error(`The sample did not start: ${greeting}`);
}

function onPath() {
  const paths = ['chromium', 'chromium-browser', 'google-chrome'].map((name) =>
    spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim(),
  );
  return paths.find((path) => path !== '');
}
