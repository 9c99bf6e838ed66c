import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get } from '@nestjs/common';
import { definePolicy } from 'nestjs-redis-rate-limit';
import { storeConformance } from 'nestjs-redis-rate-limit/conformance';
import { FileStore } from '../../docs/stores/file.store.js';
import { boot, closeApps } from '../support/app.js';

const folder = mkdtempSync(join(tmpdir(), 'file-store-'));
let files = 0;
const newFile = () => join(folder, `${++files}.json`);
afterEach(closeApps);
afterAll(() => rmSync(folder, { recursive: true }));

@Controller()
class PingController {
  @Get()
  ping() {
    return 'pong';
  }
}

describe('the store that docs/extending.md shows', () => {
  for (const { sentence, check } of storeConformance((now) => new FileStore(newFile(), now))) it(sentence, check);

  const one = definePolicy({ name: 'one', limit: 1, window: '1h' });
  const hit = { policy: one, key: 'somebody', cost: 1 };

  it('remembers what was spent before a restart', async () => {
    const file = newFile();
    expect((await new FileStore(file).consume([hit]))[0]).toMatchObject({ allowed: true, remaining: 0 });
    expect((await new FileStore(file).consume([hit]))[0]).toMatchObject({ allowed: false, remaining: 0 });
  });

  it('is unavailable when its file cannot be used', async () => {
    const file = newFile();
    writeFileSync(file, 'no JSON');
    await expect(new FileStore(file).consume([hit])).rejects.toMatchObject({ code: 'RL_STORE_UNAVAILABLE' });
    await expect(new FileStore(join(folder, 'none', 'a')).reset(one, 'a')).rejects.toMatchObject({
      code: 'RL_STORE_UNAVAILABLE',
    });
  });

  it('limits an application that is given it', async () => {
    const options = { store: new FileStore(newFile()), default: [{ limit: 2, window: '1h' as const }] };
    const app = await boot('express', options, { controllers: [PingController] });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await app.get('/')).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});
