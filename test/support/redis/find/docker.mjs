import { setTimeout as sleep } from 'node:timers/promises';

const IMAGES = [
  { image: 'redis:8', binary: 'redis-server' },
  { image: 'redis:7', binary: 'redis-server' },
  { image: 'valkey/valkey:8', binary: 'valkey-server' },
];

/** The images that a Docker engine has, or can pull in two minutes. */
export async function serversInDocker(say) {
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers');
  const engine = await within(5000, getContainerRuntimeClient()).catch(() => undefined);
  if (!engine) {
    say('docker: no engine answers');
    return [];
  }
  const had = await Promise.all(IMAGES.map(({ image }) => have(engine.image, ImageName.fromString(image), say)));
  return IMAGES.filter((_, i) => had[i]).map((kind) => ({ ...kind, how: `docker image ${kind.image}` }));
}

async function have(images, name, say) {
  try {
    if (await images.exists(name)) return true;
    console.log(`Pulling the docker image ${name.string} ...`);
    await within(120_000, images.pull(name));
    return true;
  } catch (error) {
    say(`docker image ${name.string}: not at hand (${error.message.trim().split('\n')[0]})`);
    return false;
  }
}

function within(ms, promise) {
  const tooLate = sleep(ms, undefined, { ref: false }).then(() =>
    Promise.reject(new Error(`not within ${ms / 1000} s`)),
  );
  tooLate.catch(() => {});
  return Promise.race([promise, tooLate]);
}
