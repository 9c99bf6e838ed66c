/**
 * One of several processes that spend on calendar windows at the same time: the package as users get it.
 *
 * node calendar-process.mjs SETTINGS: sends 'ready'. The message { requests } starts it spending. At 'end' it stops, and sends
 * what it has seen of every request. It ends with its parent.
 */
import { Redis } from 'ioredis';
import { definePolicy, RedisStore } from 'nestjs-redis-rate-limit';

const { url, clock, loops } = JSON.parse(process.argv[2]);

const realNow = Date.now;
Date.now = () => realNow() + clock;

const client = new Redis(url);
const store = new RedisStore(client, { timeout: 20_000 });
process.once('disconnect', () => client.disconnect());

/** In milliseconds, the same for all processes of a machine. */
const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

const seen = [];
let running = false;
let unique = 0;

async function loop(requests, next) {
  while (running) {
    const request = next++ % requests.length;
    // A # in a key becomes another number each time.
    const hits = requests[request].map((hit) => ({ ...hit, key: hit.key.replace('#', `${process.pid}.${unique++}`) }));
    const sent = monotonic();
    const decisions = await store.consume(hits);
    const received = monotonic();
    const admitted = decisions.every(({ allowed }) => allowed);
    seen.push({ request, admitted, decisions, sent, received });
  }
}

let working = [];
process.on('message', async (message) => {
  if (message === 'end') {
    running = false;
    const error = await Promise.all(working).then(
      () => undefined,
      (reason) => String(reason),
    );
    process.send({ seen: seen.splice(0), error });
    return;
  }
  running = true;
  const requests = message.requests.map((claims) =>
    claims.map(({ policy, key, cost }) => ({ policy: definePolicy(policy), key, cost })),
  );
  working = Array.from({ length: loops }, (_, i) => loop(requests, i));
});
process.send('ready');
