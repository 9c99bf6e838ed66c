import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { startProxy, type Proxy } from './proxy.js';

const pem = (name: string) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url));
const tls = { key: pem('key'), cert: pem('cert') };

/** Says back what it hears. */
let echo: Server;
let target: { host: string; port: number };
const sockets: Socket[] = [];
const proxies: Proxy[] = [];

beforeAll(async () => {
  echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  target = { host: '127.0.0.1', port: (echo.address() as { port: number }).port };
});
afterAll(() => void echo.close());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
});

describe.each(['tcp', 'tls'])('a proxy for %s', (kind) => {
  let proxy: Proxy;
  beforeEach(async () => {
    proxy = await startProxy(target, kind === 'tls' ? { tls } : {});
    proxies.push(proxy);
  });

  function dialed(): Socket {
    const { host, port } = proxy;
    const socket = kind === 'tls' ? connectTls({ host, port, ca: tls.cert }) : connect({ host, port });
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  }

  async function connected(): Promise<Socket> {
    const socket = dialed();
    await once(socket, kind === 'tls' ? 'secureConnect' : 'connect');
    return socket;
  }

  /** What comes back for these words, as far as it is as long as they are. */
  async function said(socket: Socket, words: string): Promise<string> {
    const heard = listened(socket, words.length);
    socket.write(words);
    return heard;
  }

  const failure = (socket: Socket): Promise<string> =>
    new Promise((resolve) => socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code!)));

  it('passes everything, to the end', async () => {
    const socket = await connected();
    await expect(said(socket, 'hello')).resolves.toBe('hello');
    const heard = listened(socket, 3);
    socket.end('bye');
    await expect(heard).resolves.toBe('bye');
    await once(socket, 'close');
  });

  it('that was silenced says nothing on open connections, and serves new ones', async () => {
    const socket = await connected();
    await said(socket, 'hello');
    proxy.silence();
    await expect(Promise.race([said(socket, 'hello'), sleep(50, 'silence')])).resolves.toBe('silence');
    await expect(said(await connected(), 'hello')).resolves.toBe('hello');
    socket.end();
    await once(socket, 'close');
  });

  it('cuts, and resets', async () => {
    const [one, other] = [await connected(), await connected()];
    await said(one, 'hello');
    proxy.cut();
    await Promise.all([once(one, 'close'), once(other, 'close')]);
    const third = await connected();
    await said(third, 'hello');
    const failed = failure(third);
    proxy.reset();
    await expect(failed).resolves.toBe('ECONNRESET');
  });

  it('refuses, and accepts again on the same port', async () => {
    const socket = await connected();
    const closed = once(socket, 'close');
    await proxy.refuse();
    await closed;
    await expect(failure(dialed())).resolves.toBe('ECONNREFUSED');
    await proxy.accept();
    await expect(said(await connected(), 'hello')).resolves.toBe('hello');
  });

  it('can be stopped while it refuses', async () => {
    await proxy.refuse();
    await proxy.stop();
  });

  it('is a black hole for open connections and for new ones, until it is restored', async () => {
    const socket = await connected();
    await said(socket, 'hello');
    proxy.blackHole();
    const fresh = dialed();
    const heard = [said(socket, 'one'), said(fresh, 'two')];
    let closes = 0;
    for (const each of [socket, fresh]) each.once('close', () => closes++);
    await expect(Promise.race([...heard, sleep(100, 'nothing')])).resolves.toBe('nothing');
    expect(closes).toBe(0);
    proxy.restore();
    await expect(Promise.all(heard)).resolves.toEqual(['one', 'two']);
  });

  it('a black hole swallows ends, too, and can be stopped', async () => {
    const socket = await connected();
    proxy.blackHole();
    socket.end();
    await expect(Promise.race([once(socket, 'close'), sleep(50, 'open')])).resolves.toBe('open');
    await proxy.stop();
    await once(socket, 'close');
  });

  it('delivers what was sent before a client went away', async () => {
    const received = once(echo, 'connection').then(([socket]) => listened(socket as Socket, 9));
    const socket = await connected();
    proxy.delay(50);
    socket.write('last will');
    await sleep(10);
    socket.destroy();
    await expect(received).resolves.toBe('last will');
  });

  it('delays both directions, and keeps the order', async () => {
    const socket = await connected();
    await said(socket, 'hello');
    proxy.delay(60);
    const begun = performance.now();
    const heard = listened(socket, 20);
    for (let i = 0; i < 10; i++) {
      socket.write(`${i}.`);
      await sleep(1);
      if (i === 5) proxy.delay(10);
    }
    await expect(heard).resolves.toBe('0.1.2.3.4.5.6.7.8.9.');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(70);
    proxy.delay(0);
    await expect(said(socket, 'hello')).resolves.toBe('hello');
  });
});

function listened(socket: Socket, length: number): Promise<string> {
  let text = '';
  return new Promise((resolve) =>
    socket.on('data', function listen(data) {
      text += data.toString();
      if (text.length < length) return;
      socket.off('data', listen);
      resolve(text);
    }),
  );
}
