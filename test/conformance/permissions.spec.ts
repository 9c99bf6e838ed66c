import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  blockConformance,
  blockListConformance,
  holdConformance,
  limitBookConformance,
  storeConformance,
} from 'nestjs-redis-rate-limit/conformance';
import { RedisStore } from '../../libs/rate-limit/src/stores/redis/redis.store.js';
import { closeClients, connectTo } from '../support/clients.js';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

/** The line that the documentation gives, word for word. */
const documented = /^ACL SETUSER (.*)$/m.exec(
  readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8'),
)![1]!;

describe.each(serverKinds())('a user of $label with the documented permissions and no others', (kind) => {
  let server: Server;
  let open: (now?: () => number) => RedisStore;

  beforeAll(async () => {
    server = await startRedis({ kind });
    const admin = connectTo(server.url);
    await admin.call('ACL', 'SETUSER', ...documented.split(' '));
    if (kind.name === 'redis' && kind.version.startsWith('8')) await admin.call('ACL', 'SETUSER', 'limiter', '+hsetex');
    const client = connectTo(server.url, { username: 'limiter', password: 'secret' });
    open = (now) => new RedisStore(client, { ...(now && { now }), prefix: `rl:${randomUUID()}`, timeout: 10_000 });
  });
  afterAll(async () => {
    closeClients();
    await server?.stop();
  });

  const laws = [
    ...storeConformance((now) => open(now)),
    ...blockConformance((now) => open(now)),
    ...blockListConformance((now) => open(now)),
    ...holdConformance((now) => open(now)),
    ...limitBookConformance(() => open().limits),
  ];
  // Ten thousand limits are written by the same commands as one: that a book can be full is tested in limit-books.
  for (const { sentence, check } of laws) if (!sentence.includes('a full book')) it(sentence, check);
});
