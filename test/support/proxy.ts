import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Weather } from './proxy-lane.js';
import { Link } from './proxy-link.js';
import { freePort } from './redis/ports.mjs';

/** Stands between a client and a server, for faults that only a network has. Whoever starts it stops it. */
export interface Proxy {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Connections that are open now hear nothing from the server any more, and are not closed. New ones work. */
  silence(): void;
  /** Open connections are cut. */
  cut(): void;
  /** Open connections end by a reset (RST), as when a machine between has forgotten them. */
  reset(): void;
  /** Open connections are cut, and new ones refused. */
  refuse(): Promise<void>;
  /** Listens again, on the same port. */
  accept(): Promise<void>;
  /** Connections stay open and new ones are accepted, and nothing passes in either direction, not even an end. */
  blackHole(): void;
  /** Ends the black hole: what was sent meanwhile arrives now. */
  restore(): void;
  /** What is sent from now on arrives so many ms later, in both directions and in its order. 0 ends it. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

export interface ProxyOptions {
  /** Speaks TLS with clients, and plain TCP with the server. */
  tls?: { key: string | Buffer; cert: string | Buffer };
}

export async function startProxy(target: { host: string; port: number }, { tls }: ProxyOptions = {}): Promise<Proxy> {
  const links = new Set<Link>();
  const weather: Weather = { isHole: false, delay: 0 };
  // Paused: before the link is made not even TLS is to be spoken.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client: Socket) => {
    const link: Link = new Link(client, { target, weather, tls, onEnd: () => links.delete(link) });
    links.add(link);
  });

  const cut = () => links.forEach((link) => link.cut());
  const refuse = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  // Not one of the system's own choice: while refused it must remain free.
  const port = await freePort();
  const accept = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await accept();
  return {
    url: `${tls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    silence: () => links.forEach((link) => link.silence()),
    cut,
    reset: () => links.forEach((link) => link.reset()),
    refuse,
    accept,
    blackHole: () => void (weather.isHole = true),
    restore() {
      weather.isHole = false;
      links.forEach((link) => link.go());
    },
    delay: (ms) => void (weather.delay = ms),
    stop: refuse,
  };
}
