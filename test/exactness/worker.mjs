/**
 * One process of an application that runs several times: the package as users get it, and a store on each of a few
 * connections, of both ioredis versions.
 *
 * node worker.mjs URL: spends what its parent's messages say, tells what became of it, and ends with its parent.
 */
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { definePolicy, RedisStore } from 'nestjs-redis-rate-limit';

const url = process.argv[2];
const clients = [new Redis(url), new Redis5(url), new Redis(url), new Redis5(url)];
const stores = clients.map((client) => new RedisStore(client, { timeout: 20_000 }));

process.once('disconnect', () => {
  for (const client of clients) client.disconnect();
});
process.on('message', async ({ claims, costs }) => {
  try {
    process.send({ outcomes: await spend(claims, costs) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send('ready');

/** All at once: a request for each cost, on every store in turn. */
function spend(claims, costs) {
  const hits = claims.map(({ policy, key }) => ({ policy: definePolicy(policy), key }));
  return Promise.all(
    costs.map(async (cost, i) => {
      const decisions = await stores[i % stores.length].consume(hits.map((hit) => ({ ...hit, cost })));
      return { cost, decisions, admitted: decisions.every(({ allowed }) => allowed) };
    }),
  );
}
