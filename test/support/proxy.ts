import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Stands between a client and a server, for faults that only a network has. Whoever starts it stops it. */
export interface Proxy {
  readonly url: string;
  /** Connections that are open now hear nothing from the server any more, and are not closed. New ones work. */
  silence(): void;
  /** Open connections are cut. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const open = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    open.add(client);
    client.on('close', () => (open.delete(client), upstream.destroy()));
    upstream.on('close', () => silent.has(client) || client.destroy());
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => silent.has(client) || client.write(data));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const cut = () => open.forEach((socket) => socket.destroy());
  return {
    url: `redis://127.0.0.1:${port}`,
    silence: () => open.forEach((socket) => silent.add(socket)),
    cut,
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
