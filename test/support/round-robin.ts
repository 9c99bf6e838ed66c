import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** Sends each request to the next of its targets. Whoever starts it closes it. */
export interface RoundRobin {
  readonly url: string;
  /** How many requests each target was sent. */
  readonly sent: readonly number[];
  close(): Promise<void>;
}

/** @param client the address that it names as its client's, in place of whatever the client says */
export async function startRoundRobin(targets: readonly string[], client: string): Promise<RoundRobin> {
  const sent = targets.map(() => 0);
  let next = 0;
  const server = createServer((incoming, outgoing) => {
    const chosen = next++ % targets.length;
    sent[chosen]!++;
    // A connection for each request: one that is used again may just be closing.
    const headers = { ...incoming.headers, connection: 'close', 'x-forwarded-for': client };
    const options = { method: incoming.method, headers, agent: false };
    const onward = request(targets[chosen]! + incoming.url!, options, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      pipeline(answer, outgoing, () => undefined);
    });
    onward.on('error', (error) => outgoing.writeHead(502).end(error.message));
    pipeline(incoming, onward, () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent, close };
}
