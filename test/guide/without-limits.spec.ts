import { start, stop } from './start.js';
import { unlimited } from './unlimited.js';

afterEach(stop);

it('lists reports as often as you like', async () => {
  const url = await start({ store: unlimited });
  for (let n = 0; n < 100; n++) expect((await fetch(`${url}/reports`)).status).toBe(200);
});
