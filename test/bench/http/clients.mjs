/** So many that a limiter's state of each is about as large as in production. Addresses are of the range for benchmarks (RFC 2544). */
const ADDRESSES = Array.from({ length: 10_000 }, (_, i) => `198.18.${i >> 8}.${i & 255}`);

/**
 * Makes every request come from the next of many clients. On loopback all have one address, and a limiter that keeps
 * a list per client would be measured by a list that nobody's clients have.
 *
 * On the socket and not by X-Forwarded-For: this costs every variant the same, also those that never read an address,
 * and next to nothing.
 */
export function manyClients(server) {
  let next = 0;
  server.on('connection', (socket) => {
    Object.defineProperty(socket, 'remoteAddress', { value: ADDRESSES[0], writable: true });
  });
  server.prependListener('request', ({ socket }) => {
    socket.remoteAddress = ADDRESSES[next];
    next = (next + 1) % ADDRESSES.length;
  });
}
