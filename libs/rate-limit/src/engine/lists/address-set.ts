import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ipv4Within, ipv6Of } from '../identity/address.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Addresses from the first to the last, both as {@link bitsOf}. */
export interface Range {
  readonly first: string;
  readonly last: string;
}

/** What is wrong with text that looks like addresses, with the fix. */
export interface NoRange {
  readonly wrong: string;
}

/** An address as text that sorts like the addresses. The two families do not mix. */
export const bitsOf = (address: Address): string =>
  address instanceof ipaddr.IPv4
    ? `4${String.fromCharCode(...address.octets)}`
    : `6${String.fromCharCode(...address.parts)}`;

/** Reads an address or a CIDR range; `undefined` if the text looks like neither. */
export function rangeOf(text: string): Range | NoRange | undefined {
  const [, written = '', prefix] = /^([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
  if (!isIPv4(written) && !(isIPv6(written) && !written.includes('%'))) {
    return LIKE_ADDRESSES.test(text)
      ? { wrong: 'is neither an address nor a CIDR range; write one like 203.0.113.7 or 203.0.113.0/24' }
      : undefined;
  }
  const inner = isIPv4(written) ? undefined : ipv6Of(written);
  const most = inner ? 128 : 32;
  const bits = prefix === undefined ? most : /^(0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : most + 1;
  if (bits > most) return { wrong: `is not a CIDR range: the part after / must be a whole number from 0 to ${most}` };

  // As for clients, an IPv4 address counts in any notation. A range that also holds other addresses is an IPv6 range.
  const ipv4 = inner && bits >= 96 ? ipv4Within(inner) : undefined;
  if (ipv4 && bits === 96) return { wrong: 'means every IPv4 address; write 0.0.0.0/0 if you want that' };
  const address = ipv4 ?? inner ?? ipaddr.IPv4.parse(written);
  return cidr(address, ipv4 ? bits - 96 : bits, written);
}

function cidr(address: Address, bits: number, written: string): Range | NoRange {
  const family = address instanceof ipaddr.IPv4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const text = `${address.toString()}/${bits}`;
  const network = family.networkAddressFromCIDR(text);
  const first = bitsOf(network);
  if (first !== bitsOf(address)) {
    const range = `${network.toString()}/${bits}`;
    return {
      wrong: `is not the first address of its range; write ${range} for the range, or ${written} for the one address`,
    };
  }
  return { first, last: bitsOf(family.broadcastAddressFromCIDR(text)) };
}

/** Text that can only be meant as an address: digits and dots, or hexadecimal groups with two colons. */
const LIKE_ADDRESSES = /^(\d[\d.]*|(?=[^:/]*:[^:/]*:)[\da-f:.]+(%[^/]*)?)(\/.*)?$/is;

/** A set of addresses that does not change. A lookup takes O(log n). */
export class AddressSet {
  private readonly firsts: readonly string[];
  private readonly lasts: readonly string[];

  /** @param ranges in any order; they may overlap */
  constructor(ranges: readonly Range[]) {
    const firsts: string[] = [];
    const lasts: string[] = [];
    for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
      const end = lasts.length - 1;
      if (end < 0 || first > lasts[end]!) {
        firsts.push(first);
        lasts.push(last);
      } else if (last > lasts[end]!) lasts[end] = last;
    }
    this.firsts = firsts;
    this.lasts = lasts;
  }

  get isEmpty(): boolean {
    return this.firsts.length === 0;
  }

  /** Whether one of its ranges holds all addresses from the first to the last. */
  holds(first: string, last: string = first): boolean {
    let low = 0;
    let high = this.firsts.length;
    // Those below `low` begin at or before `first`, those from `high` on after it.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.firsts[middle]! <= first) low = middle + 1;
      else high = middle;
    }
    return low > 0 && last <= this.lasts[low - 1]!;
  }
}
