import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Sees what processes do, without Redis: which handlers run at the same time in all of them, and what each request was
 * settled with. A process waits for its answer, so an order of events that it sees is the true one.
 */
export class Witness {
  /** The most handlers that ran at once. */
  most = 0;
  /** What each request was settled with, by its id. */
  readonly settled = new Map<string, number>();
  /** Whether each request counted, by its id. */
  readonly counted = new Map<string, boolean>();
  /** What no process may say, such as a second settlement. */
  readonly wrong: string[] = [];
  private readonly running = new Map<string, Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Witness> {
    const server = createServer();
    const witness = new Witness(server);
    server.on('connection', (socket) => witness.hear(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return witness;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many handlers run now. */
  get now(): number {
    return this.running.size;
  }

  stop(): void {
    this.server.close();
  }

  private hear(socket: Socket): void {
    let pending = '';
    socket.setNoDelay().setEncoding('utf8');
    socket.on('error', () => {});
    // Handlers of a process that was killed run no more.
    socket.on('close', () => this.running.forEach((of, id) => of === socket && this.running.delete(id)));
    socket.on('data', (text) => {
      const lines = `${pending}${String(text)}`.split('\n');
      pending = lines.pop()!;
      for (const line of lines) this.note(socket, line.split(' '));
      if (lines.length > 0 && socket.writable) socket.write('\n'.repeat(lines.length));
    });
  }

  private note(socket: Socket, [what, id = '', value]: string[]): void {
    if (what === 'enter') {
      this.running.set(id, socket);
      this.most = Math.max(this.most, this.running.size);
    } else if (what === 'leave') this.running.delete(id);
    else if (what === 'settled') this.once(this.settled, id, Number(value));
    else this.once(this.counted, id, value === '1');
  }

  private once<T>(known: Map<string, T>, id: string, value: T): void {
    if (known.has(id)) this.wrong.push(`${id} ended twice`);
    known.set(id, value);
  }
}
