/** Where a client finds a server that was started with these arguments. */
export function urlOf(host, port, args) {
  const password = args[args.indexOf('--requirepass') + 1];
  const auth = args.includes('--requirepass') ? `:${encodeURIComponent(password)}@` : '';
  return `redis://${auth}${host}:${port}`;
}
