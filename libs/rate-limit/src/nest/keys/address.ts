import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The NAT64 prefix of RFC 6052: the last 32 bits are an IPv4 address. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number];

/**
 * The client an address stands for, decided by its bits and not by its notation: an IPv4 address inside an IPv6 one
 * is that IPv4 address, and only then are IPv6 addresses cut to `prefix` bits. Zone and port are dropped.
 * Nothing when it is no address.
 */
export function clientOf(address: string | undefined, prefix: number): string | undefined {
  if (!address) return undefined;
  if (isIPv4(address)) return address;
  const bare = withoutPort(address);
  if (isIPv4(bare)) return bare;
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return undefined;

  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  if (parsed.match(NAT64)) return new ipaddr.IPv4(parsed.toByteArray().slice(12)).toString();
  const bytes = parsed.toByteArray().map((byte, i) => byte & mask(prefix - 8 * i));
  return `${new ipaddr.IPv6(bytes).toString()}/${prefix}`;
}

/** `1.2.3.4:80`, `[2001:db8::1]:443`, `fe80::1%eth0`: some proxies write these. */
function withoutPort(address: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address);
  const bare = bracketed?.[1] ?? address.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return bare.split('%', 1)[0]!;
}

/** The leading `bits` of a byte. */
const mask = (bits: number): number => (bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff);
