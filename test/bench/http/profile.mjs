import { join } from 'node:path';
import { checkAnswer } from './measure.mjs';
import { startApplication } from './start.mjs';
import { nameOf } from './variants.mjs';

/** Writes what a cell's application does under load: FOLDER/fastify-ours-redis.cpuprofile, for any viewer of these. */
export async function profile(cell, folder, { generator, server, url, seconds, ...settings }) {
  const file = join(folder, `${nameOf(cell).replace(' ', '-')}.cpuprofile`);
  await server.empty();
  const app = await startApplication(cell, url);
  try {
    await checkAnswer(app.url, cell.variant);
    await generator.load(app.url, settings[cell.adapter].warmUp);
    await app.ask('startProfile');
    const { requests } = await generator.load(app.url, seconds);
    await app.ask('stopProfile', file);
    return { file, requests };
  } finally {
    await app.stop();
  }
}
