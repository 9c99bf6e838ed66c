import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The NAT64 prefix of RFC 6052: the last 32 bits are an IPv4 address. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number];

/**
 * An address by its bits and not by its notation: an IPv4 address inside an IPv6 one is that IPv4 address. Zone and
 * port are dropped. Nothing when it is no address.
 */
export function addressOf(text: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!text) return undefined;
  const bare = isIPv4(text) ? text : withoutPort(text);
  if (isIPv4(bare)) return ipaddr.IPv4.parse(bare);
  // Of node, and not of ipaddr.js, which also takes an IPv4 part in octal or hexadecimal digits.
  if (!isIPv6(bare)) return undefined;
  const address = ipv6Of(bare);
  return ipv4Within(address) ?? address;
}

/** Text that `isIPv6` takes, without a zone. `::1.2.3.4` is `::102:304`: ipaddr.js would have it be `::ffff:1.2.3.4`. */
export const ipv6Of = (text: string): ipaddr.IPv6 => ipaddr.IPv6.parse(text.replace(/^::(?=\d+\.)/, '0::'));

/** The IPv4 address that an IPv6 one stands for: mapped, or of the NAT64 prefix. */
export const ipv4Within = (address: ipaddr.IPv6): ipaddr.IPv4 | undefined =>
  address.isIPv4MappedAddress() || address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : undefined;

/** The client an address stands for: only IPv6 addresses are cut to `prefix` bits, once they are no IPv4 ones. */
export function clientOf(text: string | undefined, prefix: number): string | undefined {
  if (text && isIPv4(text)) return text;
  const address = addressOf(text);
  if (!(address instanceof ipaddr.IPv6)) return address?.toString();
  const bytes = address.toByteArray().map((byte, i) => byte & mask(prefix - 8 * i));
  return `${new ipaddr.IPv6(bytes).toString()}/${prefix}`;
}

/** `1.2.3.4:80`, `[2001:db8::1]:443`, `fe80::1%eth0`: some proxies write these. */
function withoutPort(address: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address);
  const bare = bracketed?.[1] ?? address.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  // Only IPv6 addresses have zones.
  return bare.includes(':') ? bare.split('%', 1)[0]! : bare;
}

/** The leading `bits` of a byte. */
const mask = (bits: number): number => (bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff);
