import type { INestApplication } from '@nestjs/common';
import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { sampleRequestsOf } from './blocks.js';
import { pages, read } from './pages.js';

let app: INestApplication;
let url: string;
beforeAll(async () => {
  app = await createApp(configFrom({}));
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app?.close());

describe('what the documentation asks of the sample', () => {
  const requests = pages().flatMap((page) => sampleRequestsOf(read(page).blocks));

  it.each(requests)('$place is answered', async ({ path, init }) => {
    const { status } = await fetch(url + path, init);
    // Or over the limit: the pages show that too.
    expect(status >= 200 && status < 300 ? 200 : status).toBe(status === 429 ? 429 : 200);
  });
});
