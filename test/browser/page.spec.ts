import type { INestApplication } from '@nestjs/common';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { launchBrowser } from '../support/browser.js';
import { startRedis, type Server } from '../support/redis/servers.js';

/** Ignored by git: to look at. */
const SCREENSHOTS = fileURLToPath(new URL('screenshots/', import.meta.url));
mkdirSync(SCREENSHOTS, { recursive: true });

/** Less motion: the intro does not play, so the quotas are full. */
const STILL = { reducedMotion: 'reduce' } as const;
const WIDE = { viewport: { width: 1280, height: 800 }, ...STILL };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, ...STILL };

const browser = await launchBrowser();
let app: INestApplication | undefined;
let server: Server | undefined;
/** What a page said or did that it should not. */
let complaints: string[] = [];

afterEach(async () => {
  await Promise.all(browser?.contexts().map((context) => context.close()) ?? []);
  await app?.close();
  await server?.stop();
  app = server = undefined;
  const told = complaints;
  complaints = [];
  expect(told).toEqual([]);
});
afterAll(() => browser?.close());

/** The sample, and its page in a browser that has not seen it yet. */
async function open(env: Record<string, string> = {}, options: BrowserContextOptions = WIDE): Promise<Page> {
  app = await createApp(configFrom(env));
  await app.listen(0, '127.0.0.1');
  return visit(await app.getUrl(), options);
}

async function visit(url: string, options: BrowserContextOptions = WIDE, shows = '.lane'): Promise<Page> {
  const page = await (await browser!.newContext(options)).newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // A browser logs each 401, 403 and 429 like this. A page cannot prevent it.
    if (!/status of (429|403|401|400|503)|ERR_CONNECTION_REFUSED|ERR_NETWORK_CHANGED/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin && !request.url().startsWith('data:'))
      complaints.push(`asked ${request.url()}`);
  });
  let isCut = false;
  page.on('requestfailed', (request) => (isCut = request.failure()?.errorText === 'net::ERR_NETWORK_CHANGED'));
  await page.goto(url);
  // Chromium drops what it loads when a network comes or goes, as containers make them do.
  if (isCut) await page.reload();
  await page.locator(shows).first().waitFor();
  return page;
}

const send = (page: Page, count: number) =>
  page
    .getByRole('button', { name: `Send ${count}`, exact: true })
    .first()
    .click();

/** What the lanes show: sent, allowed, denied. */
const counts = async (page: Page): Promise<number[][]> => {
  const lanes = await page.locator('.lane .counts').all();
  return Promise.all(lanes.map(async (lane) => (await lane.locator('dd').allInnerTexts()).map(Number)));
};

/** Waits until it is so; the page shows what it was told a moment later. */
async function until<T>(look: () => Promise<T>, expected: T): Promise<void> {
  let seen: T;
  for (const end = performance.now() + 10_000; ;) {
    seen = await look();
    if (Object.is(JSON.stringify(seen), JSON.stringify(expected)) || performance.now() > end) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(seen).toEqual(expected);
}

const left = async (page: Page, lane = 0) => Number(await page.locator('.remaining').nth(lane).innerText());
/** The heading of a page may be there before its styles. */
async function background(page: Page): Promise<string> {
  await page.waitForLoadState('load');
  return page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
}
const limitOf = (page: Page) => page.getByLabel('Limit', { exact: true });
const textIn = (page: Page) => (selector: string) => () => page.locator(selector).innerText();
const answers = (page: Page) => page.locator('#answers tr:not(.empty)');

const inTheBrowser = () => {
  it('of 15 requests at ten in ten seconds handles 10 and blocks 5, and counts down to the next', async () => {
    const page = await open();
    await send(page, 15);
    await until(() => counts(page), [[15, 10, 5]]);
    await until(() => left(page), 0);
    await page.getByText(/the next request passes in \d+\.\d s/).waitFor();
    await page.getByText('fixed window · alice: 10 of 15 allowed').waitFor({ state: 'attached' });

    const denied = await answers(page).filter({ hasText: '429' }).first().locator('td').allInnerTexts();
    expect(denied.slice(1)).toEqual([
      'fixed window · alice',
      '429',
      expect.stringMatching(/^"demo";r=0;t=\d+$/),
      '"demo";q=10;w=10',
      expect.stringMatching(/^\d+$/),
      'quota-exceeded',
      'memory',
    ]);
    expect(await answers(page).count()).toBe(15);
    await page.screenshot({ path: `${SCREENSHOTS}fifteen.png`, fullPage: true });
  });

  it('plays by itself once, and makes room with a full quota for the first request of a visitor', async () => {
    const page = await open({}, { ...WIDE, reducedMotion: 'no-preference' });
    await page.locator('.counts .denied dd', { hasText: /^[1-9]/ }).waitFor();
    expect((await counts(page))[0]![1]).toBe(10);
    await page.getByText('The quota is used up').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}intro.png` });

    await send(page, 1);
    await until(() => counts(page), [[1, 1, 0]]);
    await page.locator('.badge', { hasText: /^ALLOWED$/ }).waitFor();
    await until(() => left(page), 9);
    expect(await page.getByLabel('Client').inputValue()).toBe('alice');
  });

  it('shows the limit as code that follows the settings, and copies it', async () => {
    const page = await open();
    const code = page.locator('.code pre');
    expect(await code.innerText()).toBe(
      "@RateLimit({\n  algorithm: 'fixed-window',\n  limit: 10,\n  window: '10s',\n})",
    );
    await page.getByLabel('Algorithm').selectOption('token-bucket');
    for (const [label, value] of Object.entries({ Limit: '7', 'Window, seconds': '90', Burst: '3' })) {
      await page.getByLabel(label, { exact: true }).fill(value);
    }
    const expected = "@RateLimit({\n  algorithm: 'token-bucket',\n  limit: 7,\n  window: '90s',\n  burst: 3,\n})";
    expect(await code.innerText()).toBe(expected);

    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(expected);
  });

  it('shows on a phone what Send did, without scrolling', async () => {
    const page = await open({}, PHONE);
    await send(page, 15);
    await page.locator('.badge', { hasText: '10 ALLOWED' }).waitFor();
    for (const shown of ['.badge.allowed', '.badge.denied', '.left', '.chart', '.counts', '[data-send="20"]']) {
      const { y, height } = (await page.locator(shown).boundingBox())!;
      expect([shown, y >= 0, y + height <= 844]).toEqual([shown, true, true]);
    }
    expect(await page.evaluate<number>('scrollY')).toBe(0);
  });

  it('has all settings in one card beside the chart, above the fold', async () => {
    const page = await open();
    const chart = (await page.locator('.chart').boundingBox())!;
    for (const name of ['algorithm', 'client', 'limit', 'window', 'burst', 'cost', 'block']) {
      const field = (await page.locator(`.settings [name=${name}]`).boundingBox())!;
      expect([name, field.x > chart.x + chart.width, field.y + field.height < 800]).toEqual([name, true, true]);
    }
  });

  it.each(['light', 'dark'] as const)('leads to pages of the same look, in %s', async (colorScheme) => {
    const page = await open({}, { ...PHONE, colorScheme });
    const playground = await background(page);
    const go = (name: string) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
    const heading = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
    await go('README');
    await heading('nestjs-redis-rate-limit');
    await go('Docs');
    await heading('Documentation');
    await page.getByRole('link', { name: 'Getting started' }).click();
    await heading('Getting started');
    await go('Endpoints');
    await heading('Endpoints to try from a shell');
    expect(await background(page)).toBe(playground);
    // Nothing is wider than its box, and no box wider than the phone.
    const isWide = '({ scrollWidth, clientWidth }) => scrollWidth > clientWidth';
    expect(await page.evaluate(`[...document.querySelectorAll('html, pre, code')].filter(${isWide}).length`)).toBe(0);
    await page.screenshot({ path: `${SCREENSHOTS}endpoints-${colorScheme}.png` });
    await page.getByRole('link', { name: 'nestjs-redis-rate-limit' }).click();
    await heading('Rate limits you can see');
  });

  it('keeps what was used when the limit changes, and goes on with the last limit while one is wrong', async () => {
    const page = await open();
    await send(page, 10);
    await until(() => left(page), 0);
    await limitOf(page).fill('25');
    await until(() => left(page), 15);

    await limitOf(page).fill('0');
    await page.getByText('Limit: a whole number from 1 to 10,000.').waitFor();
    expect(await limitOf(page).getAttribute('aria-invalid')).toBe('true');
    await send(page, 5);
    await until(() => counts(page), [[15, 15, 0]]);
    await limitOf(page).fill('17');
    await until(() => left(page), 2);
    expect(await page.locator('#policy-error').innerText()).toBe('');
  });

  it('shows what the server has against a policy', async () => {
    const page = await open();
    await page.getByLabel('Algorithm').selectOption('sliding-log');
    await limitOf(page).fill('5000');
    await page.getByText('the limit of a sliding log must be a whole number from 1 to 1000, got 5000').waitFor();
    await limitOf(page).fill('1000');
    await until(() => page.locator('#wrong').innerText(), '');
    await until(() => left(page), 1_000);
  });

  it('spends what a request costs', async () => {
    const page = await open();
    await page.getByLabel('Cost of a request').fill('3');
    await send(page, 5);
    await until(() => counts(page), [[5, 3, 2]]);
    await page.getByLabel('Cost of a request').fill('11');
    await page.getByText('a request of this cost can never pass').waitFor();
  });

  it('blocks a client over the limit, counts it down, and ends it when told to', async () => {
    const page = await open();
    const unblock = page.getByRole('button', { name: 'Unblock' });
    expect(await unblock.isDisabled()).toBe(true);
    await page.getByLabel('Block for, seconds').fill('30, 60');
    await send(page, 15);
    await until(() => counts(page), [[15, 10, 5]]);
    await page.getByText(/^blocked for (30|29)\.\d s$/).waitFor();
    await page.getByText(/alice: 10 of 15 allowed, blocked for (30|29) s/).waitFor({ state: 'attached' });
    const denied = await answers(page).filter({ hasText: '429' }).first().locator('td').allInnerTexts();
    expect(denied.slice(5, 7)).toEqual(['30', 'abnormal-usage-detected']);

    // The quota stays as it is, and the steps are forgotten.
    await unblock.click();
    await page.getByText(/the next request passes in \d\.\d s/).waitFor();
    await until(() => left(page), 0);
    await send(page, 1);
    await page.getByText(/^blocked for (30|29)\.\d s$/).waitFor();

    await page.getByRole('button', { name: 'Refill the quota' }).click();
    await until(() => left(page), 10);
    await page.getByRole('button', { name: 'Block now' }).click();
    await page.getByText(/^blocked for (30|29)\.\d s$/).waitFor();
    await until(() => left(page), 0);
    await page.locator('.lane').screenshot({ path: `${SCREENSHOTS}blocked.png` });
  });

  it('takes no block that cannot be, and says what can', async () => {
    const page = await open();
    const field = page.getByLabel('Block for, seconds');
    const wrong = () => page.locator('#policy-error').innerText();
    for (const text of ['soon', '0', '301', '1, , 2', '1, 2, 3, 4, 5, 6']) {
      await field.fill(text);
      await until(wrong, 'Block for, seconds: a number from 0.1 to 300, or up to 5 of them, as in 2, 5, 15.');
      expect(await field.getAttribute('aria-invalid')).toBe('true');
      await field.fill(' 0.1,300 ');
      await until(wrong, '');
    }
  });

  it('plays the scene of a block: the quota comes back, and the block stands', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Blocked for a while' }).click();
    await until(() => counts(page), [[7, 5, 2]]);
    await page.getByText('The quota is back, the block stands.').waitFor();
    await until(() => counts(page), [[10, 5, 5]]);
    await page.getByText(/^blocked for 1\.\d s$/).waitFor();
    await page.getByText('The block is over: five passed.').waitFor();
    await until(() => counts(page), [[16, 10, 6]]);
    await page.getByText(/^blocked for 1[12]\.\d s$/).waitFor();
  });

  it('streams until it is stopped', async () => {
    const page = await open();
    await page.locator('#rate').fill('20');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('.denied dd', { hasText: /^[1-9]/ }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    const [sent, allowed] = (await counts(page))[0]!;
    expect(allowed).toBe(10);
    // What was under way arrives; then it is quiet.
    await until(async () => (await answers(page).count()) >= sent!, true);
    const stopped = await counts(page);
    await page.getByRole('button', { name: 'Check what is left, for free' }).click();
    await until(() => left(page), 0);
    expect(await counts(page)).toEqual(stopped);
  });

  it('shows clients and algorithms side by side, each with a quota of its own', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Compare side by side' }).click();
    await page.getByLabel('Algorithm').nth(1).selectOption('gcra');
    await send(page, 5);
    await until(
      () => counts(page),
      [
        [5, 5, 0],
        [5, 1, 4],
      ],
    );
    expect(await page.getByLabel('Client').nth(1).inputValue()).toBe('bob');
    await page.getByRole('button', { name: 'Remove GCRA · bob' }).click();
    expect(await counts(page)).toEqual([[5, 5, 0]]);
  });

  it('plays a scene', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'A quota per client' }).click();
    await page.getByText('each client has its own quota').waitFor();
    await until(
      () => counts(page),
      [
        [15, 10, 5],
        [5, 5, 0],
      ],
    );
    // What it said is true no more when something is changed.
    await limitOf(page).fill('12');
    await until(() => page.locator('#preset-hint').innerText(), 'Send requests, or watch a scene.');
  });

  it('resets a quota, and clears what it shows without touching the quota', async () => {
    const page = await open();
    await send(page, 5);
    await until(() => left(page), 5);
    await page.getByRole('button', { name: 'Clear the chart' }).click();
    expect(await counts(page)).toEqual([[0, 0, 0]]);
    expect(await answers(page).count()).toBe(0);
    await until(() => left(page), 5);
    await page.getByRole('button', { name: 'Refill the quota' }).click();
    await until(() => left(page), 10);
  });

  it('leaves the quotas of another visitor alone', async () => {
    const page = await open();
    const other = await visit(await app!.getUrl());
    await send(page, 15);
    await until(() => left(page), 0);
    await send(other, 5);
    await until(() => counts(other), [[5, 5, 0]]);
  });

  it('charges two limits together or not at all', async () => {
    const page = await open();
    expect(await page.locator('#both-meters .value').allInnerTexts()).toEqual(['5 of 5', '20 of 20']);
    await page.locator('[data-reports="30"]').click();
    await page.getByText(/^30 sent, 5 passed\. Denied by "burst" 25\./).waitFor();
    await page.getByText('15 of 20').waitFor();
    await page.getByRole('button', { name: 'Continue as another client' }).click();
    await page.locator('[data-reports="1"]').click();
    await page.getByText('19 of 20').waitFor();
  });

  it('counts a caller by the plan of its key, and shows which keys are not limited and which are refused', async () => {
    const page = await open();
    const row = (name: string) =>
      page
        .locator('.client', { has: page.getByRole('button', { name: new RegExp(`^Send with(out)? ${name} to`) }) })
        .locator('div');
    await page.getByRole('button', { name: 'Send with pro-key to weather' }).click();
    await until(() => row('pro-key').innerText(), '200 49 of 50 left\n\nRateLimit: "plan";r=49;t=60');

    await page.getByRole('button', { name: 'Send 6 for each caller' }).click();
    await page
      .locator('#who-told')
      .getByText('partner-key: 6 of 6 passed, not counted.')
      .waitFor({ state: 'attached' });
    expect(await row('a key').innerText()).toMatch(
      /^429 0 of 5 left, try again in (59|60) s\n\nRateLimit: "plan";r=0;t=(59|60) · Retry-After: (59|60)$/,
    );
    expect(await row('free-key').innerText()).toMatch(/^200 4 of 10 left/);
    expect(await row('pro-key').innerText()).toMatch(/^200 43 of 50 left/);
    expect(await row('your key').innerText()).toMatch(/^429 0 of 5 left, try again in (59|60) s/);
    expect(await row('partner-key').innerText()).toBe('200 not counted\n\nno RateLimit field');
    expect(await row('leaked-key').innerText()).toBe('403 refused, and waiting does not help\n\nno RateLimit field');
    expect(await answers(page).first().innerText()).toMatch(/feed · leaked-key\s+403.*about:blank/s);
  });

  it('shows when quotas reset by the calendar: at the full minute, and on the day of a subscription', async () => {
    const page = await open();
    // The page shows the full quota again when the minute is over.
    const left = 60_000 - (Date.now() % 60_000);
    if (left < 3_000) await page.waitForTimeout(left);
    await page.getByRole('button', { name: 'Send 1 to the minute' }).click();
    await page.locator('#minute-told').getByText('1 sent, 1 passed: 9 of 10 are left.').waitFor();
    await until(() => page.locator('#minute-meter .value').innerText(), '9 of 10');
    expect(await page.locator('#minute-ends').innerText()).toMatch(/^at \d+:\d\d:00.*, in \d+ s$/);

    await page.getByRole('button', { name: 'Export with pro-key' }).click();
    await page
      .locator('#months')
      .getByText(/^999 left until 15 \w+, 00:00 in New York$/)
      .waitFor();
  });

  it('changes a limit by its jobs, once for two who run one, and keeps what has been used', async () => {
    const page = await open();
    const text = textIn(page);
    await until(text('#trial-limit'), '5 a minute, from the code');
    expect(await text('#trial-next')()).toMatch(/^(raised|set back) at \d\d:00 UTC, in \d+ min$/);

    const name = `[^ ]+-${process.pid}`;
    await page.getByRole('button', { name: 'Run the hourly job now' }).click();
    await page
      .locator('#schedule-told')
      .getByText(new RegExp(`${name} raised it to 10\\.`))
      .waitFor();
    expect(await text('#schedule-told')()).toMatch(new RegExp(`${name} found it already done\\.`));
    await until(text('#trial-limit'), '10 a minute, version 1');
    expect(await text('#trial-last')()).toMatch(new RegExp(`^${name} raised it to 10 at \\d\\d:\\d\\d:\\d\\d UTC$`));

    await page.getByRole('button', { name: 'Send 10 to the trial' }).click();
    await until(text('#trial-told'), '10 sent, 10 passed: 0 of 10 are left.');
    await page.getByRole('button', { name: 'Run the hourly job now' }).click();
    await until(text('#trial-meter .value'), '5 of 15');
    await page.getByRole('button', { name: 'Send 1 to the trial' }).click();
    await until(text('#trial-told'), '1 sent, 1 passed: 4 of 15 are left.');
    await page.getByRole('button', { name: 'Run the midnight job now' }).click();
    await until(text('#trial-meter .value'), '0 of 5');
    expect(await text('#trial-limit')()).toBe('5 a minute, from the code');
  });

  it('shows what the limiter does: decisions, who is denied and blocked, and a limit in shadow', async () => {
    const page = await open();
    const text = textIn(page);
    const row = (policy: string) =>
      page
        .locator('#decisions tr', { has: page.getByRole('rowheader', { name: policy, exact: true }) })
        .locator('td')
        .allInnerTexts();
    await page.getByRole('button', { name: 'Send 15 to the search' }).click();
    await until(text('#search-told'), '15 sent, 15 passed. The answers name search.');
    await until(() => row('search-tighter'), ['10', '0', '5', '1']);
    expect(await row('search')).toEqual(['15', '0', '0', '0']);
    expect(await text('#tighter')()).toBe('10 in 10 s, in shadow. Would have denied 5 of 15.');
    await page.getByRole('button', { name: 'Enforce the tighter limit' }).click();
    await page.getByRole('button', { name: 'Put it in shadow again' }).waitFor();
    await page.getByRole('button', { name: 'Send 5 to the search' }).click();
    await until(text('#search-told'), '5 sent, 0 passed. The answers name search and search-tighter.');

    // A caller writes its own key: nothing of it may become a part of the page.
    const headers = { 'x-tenant-id': '<b id="evil">', 'content-type': 'application/json' };
    await fetch(`${await app!.getUrl()}/api/generate`, { method: 'POST', headers, body: '{"tokens": 1001}' });
    await page.locator('#denied-most code', { hasText: '<b id="evil">' }).waitFor();
    expect(await page.locator('#evil').count()).toBe(0);

    await page.getByRole('button', { name: 'Guess 6 passwords' }).click();
    await page.locator('#blocked .still', { hasText: /^(59|60) s more$/ }).waitFor();
    await page.getByRole('button', { name: 'Let back in ip:127.0.0.1' }).click();
    await page.locator('#blocked').getByText('Nobody.').waitFor();
  });

  it('pays tokens, refuses what does not fit, and knows what never will', async () => {
    const page = await open();
    const generate = page.getByRole('button', { name: 'Generate' });
    await page.locator('#tokens').fill('600');
    await generate.click();
    await page.getByText('Allowed: 600 tokens were charged, 400 are left.').waitFor();
    await generate.click();
    await page
      .getByText(/Denied, and nothing was charged: 4\d\d are left\. A request of 600 passes in 1\d s\./)
      .waitFor();
    await page.locator('#tokens').fill('1200');
    await generate.click();
    await page.getByText('a request of 1200 can never pass').waitFor();
  });

  it('reserves tokens for a chat, settles what it used, and keeps the estimate when the client disconnects', async () => {
    const page = await open();
    const told = page.locator('#chat-told');
    const ask = page.getByRole('button', { name: 'Ask' });
    await ask.click();
    await told.getByText(/^Reserved 405 tokens: (59[5-9]|6[01]\d) are left\.$/).waitFor();
    await until(
      () =>
        page
          .locator('#chat-text')
          .innerText()
          .then((text) => text.startsWith('Nobody knows')),
      true,
    );
    await told.getByText(/^Used \d\d of 405 reserved tokens, 3\d\d came back: 9\d\d are left\.$/).waitFor();
    await until(() => page.locator('#costs-meter meter').evaluate((meter) => meter.value > 900), true);

    await ask.click();
    await told.getByText(/^Reserved 405 tokens/).waitFor();
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await told
      .getByText(/^Disconnected: what was reserved, 405 tokens, stays charged\. [56]\d\d are left\.$/)
      .waitFor();
    await page.locator('#most-tokens').fill('1200');
    await ask.click();
    await told.getByText('Denied, without a Retry-After').waitFor();
  });

  it('shows the slots that uploads hold, and the upload that finds none', async () => {
    const page = await open();
    const slots = () => page.locator('.slot').evaluateAll((rows) => rows.map((row) => row.dataset.state));
    const told = page.locator('#uploads-told');
    await page.getByRole('button', { name: 'Upload 3' }).click();
    await told.getByText('2 running, 1 denied (try again in 1 s).').waitFor();
    await until(slots, ['taken', 'taken']);
    await page
      .locator('.slot')
      .first()
      .getByText(/^Slot 1: in use, leased for \d\d s more$/)
      .waitFor();
    await page.getByRole('button', { name: 'Cancel them' }).click();
    await told.getByText('1 denied (try again in 1 s), 2 cancelled.').waitFor();
    await until(slots, ['free', 'free']);
  });

  it('can be used by the keyboard alone', async () => {
    const page = await open();
    const focused = () =>
      page.evaluate<string>('document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the playground');
    await page.keyboard.press('Enter');
    for (let i = 0; i < 30 && (await focused()) !== 'Send 15'; i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await until(() => counts(page), [[15, 10, 5]]);
  });

  it.each(['light', 'dark'] as const)('fits a phone and a wide screen, in %s', async (colorScheme) => {
    const wide = await open({}, { ...WIDE, colorScheme });
    const phone = await visit(await app!.getUrl(), { ...PHONE, colorScheme });
    for (const [name, page] of Object.entries({ wide, phone })) {
      await send(page, 15);
      await page.locator('[data-reports="7"]').click();
      await page.locator('#generate').click();
      await page.locator('#chat').click();
      await page.locator('[data-uploads="3"]').click();
      await page.locator('[data-each="6"]').click();
      await page.locator('[data-minute="15"]').click();
      await page.getByRole('button', { name: 'Export with free-key' }).click();
      await page.locator('[data-job="raise"]').click();
      await page.locator('[data-search="15"]').click();
      await page.locator('#guess').click();
      await page.locator('#blocked .blocked').waitFor();
      await until(() => counts(page), [[15, 10, 5]]);
      await page.getByText(/7 sent/).waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      await page.screenshot({ path: `${SCREENSHOTS}${name}-${colorScheme}.png`, fullPage: true });
    }
  });

  it('tells that Redis went away, goes on meanwhile, and tells that it is back', async () => {
    server = await startRedis();
    const page = await open({ REDIS_URL: server.url });
    const chip = page.locator('#store-chip');
    await chip.getByText(`Redis at ${new URL(server.url).host}`).waitFor();
    await page.locator('#rate').fill('10');
    await limitOf(page).fill('1000');
    await page.getByRole('button', { name: 'Start' }).click();
    await answers(page).first().getByText('redis').waitFor();

    await server.kill();
    await chip.getByText('Redis is away').waitFor();
    await answers(page).first().getByText('this instance').waitFor();
    await page
      .locator('#news')
      .getByText(/^\d.* Redis at .* is not connected/)
      .waitFor();
    await page.getByRole('button', { name: 'Refill the quota' }).click();
    await page
      .locator('#wrong')
      .getByText(
        'Redis gave no answer. This instance applies the change while Redis is away. Others may never apply it.',
      )
      .waitFor();
    await page.locator('#store-told').getByText('This instance decides by itself').waitFor();
    await page
      .locator('#trial-limit')
      .getByText('5 a minute, the last limit this instance saw: Redis is away')
      .waitFor();
    await page.locator('[data-job="raise"]').click();
    await page.locator('#schedule-told').getByText('could not raise it; its log says why').waitFor();
    await page.getByRole('button', { name: 'Upload 1' }).click();
    await page.locator('.slot').first().getByText('Slot 1: unknown while Redis is away').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}away.png`, fullPage: true });

    await server.restart();
    await answers(page).first().getByText('redis').waitFor();
    await page.locator('#news').getByText('Redis answers again').waitFor();
    await chip.getByText('Redis at').waitFor();
    expect((await counts(page))[0]![2]).toBe(0);
    await page.screenshot({ path: `${SCREENSHOTS}back.png`, fullPage: true });
  });

  it('has an OpenAPI page to try the endpoints on', async () => {
    await open();
    const page = await visit(`${await app!.getUrl()}/openapi`, WIDE, '.opblock');
    await page.locator('.opblock', { hasText: '/api/ping' }).getByRole('button').first().click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await page.locator('.live-responses-table').getByText('PONG').waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}openapi.png` });

    await page.emulateMedia({ colorScheme: 'dark' });
    await until(() => background(page), 'rgb(28, 32, 34)');
    await page.emulateMedia({ colorScheme: 'light' });
    await until(() => background(page), 'rgb(250, 250, 250)');
  });

  it('says so when the application itself is gone', async () => {
    const page = await open();
    await app!.close();
    app = undefined;
    await send(page, 1);
    await page.locator('#wrong').getByText('The application gave no answer.').waitFor();
    await page.locator('#store-chip').getByText('the application gives no answer').waitFor();
  });
};

// Without one the tests are counted as what they are: not run.
(browser ? describe : describe.skip)(`the page in Chromium ${browser?.version() ?? 'that is not here'}`, inTheBrowser);
