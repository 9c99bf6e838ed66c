import type { Redis } from 'ioredis';

/** Every key of a server, and for how many milliseconds it will live; -1 for ever. */
export async function everyKey(client: Redis): Promise<{ key: string; life: number }[]> {
  const keys: string[] = [];
  for await (const page of client.scanStream({ count: 1_000 })) keys.push(...(page as string[]));
  const lives = await Promise.all(keys.map(async (key) => ({ key, life: await client.pttl(key) })));
  // One may end between the two questions.
  return lives.filter(({ life }) => life !== -2);
}

/** @throws unless there is exactly one */
export async function onlyKey(client: Redis): Promise<string> {
  const keys = await client.keys('*');
  expect(keys).toHaveLength(1);
  return keys[0]!;
}
