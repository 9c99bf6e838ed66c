import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Lane, type Weather } from './proxy-lane.js';

export interface LinkOptions {
  target: { host: string; port: number };
  weather: Weather;
  tls?: { key: string | Buffer; cert: string | Buffer };
  /** When both of its connections are closed. */
  onEnd: () => void;
}

/** One connection of a client, and the one to the server that belongs to it. */
export class Link {
  private upstream?: Socket;
  private isSilent = false;
  private readonly toServer: Lane;
  private readonly toClient: Lane;

  constructor(
    private readonly client: Socket,
    private readonly options: LinkOptions,
  ) {
    this.toServer = new Lane(options.weather);
    this.toClient = new Lane(options.weather);
    client.on('error', () => {});
    client.once('close', () => this.endIfClosed());
    this.go();
  }

  /** Does what could not be done in a black hole. */
  go(): void {
    if (!this.upstream && !this.client.destroyed && !this.options.weather.isHole) this.begin();
    this.toServer.go();
    this.toClient.go();
  }

  silence(): void {
    this.isSilent = true;
  }

  cut(): void {
    this.end((socket) => socket.destroy());
  }

  reset(): void {
    this.end((socket) => socket.resetAndDestroy());
  }

  private end(how: (socket: Socket) => void): void {
    this.toServer.drop();
    this.toClient.drop();
    how(this.client);
    if (this.upstream) how(this.upstream);
  }

  private begin(): void {
    const { client } = this;
    const { target, tls } = this.options;
    const near = tls ? new TLSSocket(client, { isServer: true, ...tls }) : client;
    const far = connect({ ...target, allowHalfOpen: true });
    this.upstream = far;
    const toClient = (arrive: () => void) => this.toClient.carry(() => this.isSilent || arrive());

    near.on('data', (data) => this.toServer.carry(() => far.write(data)));
    near.on('end', () => this.toServer.carry(() => far.end()));
    near.on('end', () => this.isSilent && near.end());
    near.on('close', () => this.toServer.carry(() => far.destroySoon()));
    far.on('data', (data) => toClient(() => near.write(data)));
    far.on('end', () => toClient(() => near.end()));
    far.on('close', () => toClient(() => near.destroySoon()));
    far.on('close', () => this.endIfClosed());
    for (const socket of [near, far]) socket.on('error', () => {});
    near.resume();
  }

  private endIfClosed(): void {
    if (this.client.closed && (this.upstream?.closed ?? true)) this.options.onEnd();
  }
}
