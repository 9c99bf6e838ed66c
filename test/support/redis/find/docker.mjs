import { setTimeout as sleep } from 'node:timers/promises';

const IMAGES = [
  { image: 'redis:8', binary: 'redis-server' },
  { image: 'redis:7', binary: 'redis-server' },
  { image: 'valkey/valkey:8', binary: 'valkey-server' },
];

/** The images that a Docker engine has. */
export async function serversInDocker(say) {
  const engine = await answering();
  if (!engine) say('docker: no engine answers');
  return engine ? thoseThat((name) => engine.image.exists(name), say) : [];
}

/** The images that it has not, each pulled within two minutes. */
export async function serversToPull(say) {
  const engine = await answering();
  if (!engine) return [];
  return thoseThat(async (name) => {
    if (await engine.image.exists(name)) return false;
    console.log(`Pulling the docker image ${name.string} ...`);
    await within(120_000, engine.image.pull(name));
    return true;
  }, say);
}

async function answering() {
  const { getContainerRuntimeClient } = await import('testcontainers');
  return within(5000, getContainerRuntimeClient()).catch(() => undefined);
}

async function thoseThat(isSo, say) {
  const { ImageName } = await import('testcontainers');
  const chosen = await Promise.all(
    IMAGES.map(({ image }) =>
      isSo(ImageName.fromString(image)).catch((error) => {
        say(`docker image ${image}: not at hand (${error.message.trim().split('\n')[0]})`);
        return false;
      }),
    ),
  );
  return IMAGES.filter((_, i) => chosen[i]).map((kind) => ({ ...kind, how: `docker image ${kind.image}` }));
}

function within(ms, promise) {
  const tooLate = sleep(ms, undefined, { ref: false }).then(() =>
    Promise.reject(new Error(`not within ${ms / 1000} s`)),
  );
  tooLate.catch(() => {});
  return Promise.race([promise, tooLate]);
}
