import { RateLimitError } from '../../libs/rate-limit/src/core/errors.js';
import { addressOf } from '../../libs/rate-limit/src/engine/identity/address.js';
import { keyOfApiKey } from '../../libs/rate-limit/src/engine/identity/api-key.js';
import { bitsOf } from '../../libs/rate-limit/src/engine/lists/address-set.js';
import { DenyList, List, type ListEntry } from '../../libs/rate-limit/src/engine/lists/list.js';

const list = (...entries: ListEntry[]) => new List(entries, 'allow');

/** Whether a list names the client of an address, as the framework tells it. */
const names = (entries: List, address: string) => entries.addresses.holds(bitsOf(addressOf(address)!));

/** What the start says of a list. */
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(RateLimitError);
    return (error as Error).message;
  }
  throw new Error('It was taken.');
}

describe('the addresses that an entry names', () => {
  it.each<[ListEntry, string[], string[]]>([
    ['203.0.113.7', ['203.0.113.7', '203.0.113.7:80', '::ffff:203.0.113.7'], ['203.0.113.6', '203.0.113.8', '::1']],
    ['ip:203.0.113.7', ['203.0.113.7'], ['203.0.113.8']],
    ['::ffff:203.0.113.7', ['203.0.113.7', '64:ff9b::cb00:7107'], ['203.0.113.8']],
    ['64:ff9b::203.0.113.7', ['203.0.113.7', '::ffff:cb00:7107'], ['203.0.113.8']],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0', '::a00:1']],
    // Deprecated, and how Node writes such an address: bits of IPv6, as when a proxy writes it in hexadecimal.
    ['10.0.0.1', ['10.0.0.1'], ['::10.0.0.1', '::a00:1']],
    ['::10.0.0.1', ['::10.0.0.1', '::a00:1'], ['10.0.0.1', '::ffff:10.0.0.1']],
    ['::ffff:10.0.0.0/104', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0']],
    // Of 96 bits and more it is a range of IPv4 addresses, of fewer one of IPv6.
    ['::ffff:128.0.0.0/97', ['128.0.0.0', '255.255.255.255'], ['127.255.255.255', '::8000:0']],
    ['::fffe:0:0/95', ['::fffe:0:0', '::fffe:ffff:ffff'], ['10.0.0.1', '::fffd:ffff:ffff', '::1:0:0:0']],
    ['203.0.113.6/31', ['203.0.113.6', '203.0.113.7'], ['203.0.113.5', '203.0.113.8']],
    ['203.0.113.7/32', ['203.0.113.7'], ['203.0.113.6', '203.0.113.8']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255', '::ffff:1.2.3.4'], ['::', '2001:db8::1']],
    ['::/0', ['::', '2001:db8::1', 'ffff::1'], ['0.0.0.0', '203.0.113.7', '::ffff:203.0.113.7']],
    ['2001:db8::/32', ['2001:db8::', '2001:DB8:ffff::1%eth0', '[2001:db8::1]:443'], ['2001:db7:ffff::', '2001:db9::']],
    ['2001:db8::1', ['2001:db8::1', '2001:0db8:0:0::0:1'], ['2001:db8::', '2001:db8::2', '2001:db8:0:1::1']],
    ['ip:2001:db8::/64', ['2001:db8::1', '2001:db8::ffff:0:0:1'], ['2001:db8:0:1::1']],
    ['2001:db8::8/127', ['2001:db8::8', '2001:db8::9'], ['2001:db8::7', '2001:db8::a']],
    ['64:ff9b:1::/48', ['64:ff9b:1::1'], ['64:ff9b:2::1', '203.0.113.7']],
  ])('%s', (entry, inside, outside) => {
    expect(inside.filter((address) => !names(list(entry), address))).toEqual([]);
    expect(outside.filter((address) => names(list(entry), address))).toEqual([]);
  });

  it('overlap, repeat each other and stand in any order', () => {
    const several = list('10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '10.255.255.255', '192.0.2.1', '8.8.8.8', '::1');
    for (const address of ['10.1.2.3', '10.200.0.1', '10.255.255.255', '192.0.2.1', '8.8.8.8', '::1']) {
      expect([address, names(several, address)]).toEqual([address, true]);
    }
    for (const address of ['9.0.0.1', '11.0.0.0', '192.0.2.2', '8.8.8.7', '::2', '::']) {
      expect([address, names(several, address)]).toEqual([address, false]);
    }
  });
});

describe('the keys that an entry names', () => {
  it('are those with that text, and no others', () => {
    const keys = list('user:42', 'header.x-plan:gold/1', { key: 'acme' }, { key: '10.0.0.1' }, 'ip:none');
    for (const key of ['user:42', 'header.x-plan:gold/1', 'acme', '10.0.0.1', 'ip:none']) {
      expect([key, keys.holdsKey(key)]).toEqual([key, true]);
    }
    for (const key of ['user:4', 'user:421', 'USER:42', '42', 'constructor', '__proto__', '', 'ip:10.0.0.1']) {
      expect([key, keys.holdsKey(key)]).toEqual([key, false]);
    }
    expect(names(keys, '10.0.0.1')).toBe(false);
  });

  it('hold an API key as its digest, which may be written too', () => {
    const digest = keyOfApiKey('sesame');
    expect(digest).toMatch(/^key:[\w-]{22}$/);
    for (const entry of [{ apiKey: 'sesame' }, digest]) {
      expect([...list(entry).keys]).toEqual([digest]);
    }
    expect(JSON.stringify([...list({ apiKey: 'sesame' }).keys])).not.toContain('sesame');
  });

  it('of an address are that address, and of a prefix all of its addresses', () => {
    const addresses = list('203.0.113.0/24', '2001:db8::/48', '2001:db9::1');
    for (const key of ['ip:203.0.113.7', 'ip:::ffff:203.0.113.7', 'ip:2001:db8::/64', 'ip:2001:db8::1']) {
      expect([key, addresses.holdsKey(key)]).toEqual([key, true]);
    }
    // Of 2001:db9::/64 it names one address; the key does not say which it was.
    for (const key of [
      'ip:2001:db9::/64',
      'ip:2001:db8::/32',
      'ip:none',
      'ip:',
      'ip:203.0.113.7/8',
      'ip:x',
      '203.0.113.7',
    ]) {
      expect([key, addresses.holdsKey(key)]).toEqual([key, false]);
    }
  });
});

describe('a list that cannot be meant ends the start', () => {
  it.each<[unknown, string]>([
    ['300.0.113.7', 'allow[1]: "300.0.113.7" is neither an address nor a CIDR range'],
    ['203.0.113', 'allow[1]: "203.0.113" is neither an address nor a CIDR range'],
    ['010.0.0.1', 'allow[1]: "010.0.0.1" is neither an address nor a CIDR range'],
    [
      '42',
      `allow[1]: "42" is neither an address nor a CIDR range; write one like 203.0.113.7 or 203.0.113.0/24; a key needs its scheme, like 'user:42'`,
    ],
    ['2001:db8:::1', 'allow[1]: "2001:db8:::1" is neither an address nor a CIDR range'],
    ['fe80::1%eth0', 'allow[1]: "fe80::1%eth0" is neither an address nor a CIDR range'],
    [
      '10.0.0.0/33',
      'allow[1]: "10.0.0.0/33" is not a CIDR range: the part after / must be a whole number from 0 to 32',
    ],
    ['2001:db8::/129', 'from 0 to 128'],
    ['10.0.0.0/', 'allow[1]: "10.0.0.0/" is not a CIDR range'],
    ['10.0.0.0/08', 'allow[1]: "10.0.0.0/08" is not a CIDR range'],
    ['10.0.0.0/255.0.0.0', 'allow[1]: "10.0.0.0/255.0.0.0" is not a CIDR range'],
    [
      '10.1.2.3/8',
      'allow[1]: "10.1.2.3/8" is not the first address of its range; write 10.0.0.0/8 for the range, or 10.1.2.3 for the one address',
    ],
    ['2001:db8::1/64', 'write 2001:db8::/64 for the range, or 2001:db8::1 for the one address'],
    ['::ffff:10.1.2.3/104', 'write 10.0.0.0/8 for the range'],
    [
      '::ffff:0:0/95',
      'allow[1]: "::ffff:0:0/95" is not the first address of its range; write ::fffe:0:0/95 for the range',
    ],
    ['::ffff:0:0/96', 'means every IPv4 address; write 0.0.0.0/0 if you want that'],
    ['64:ff9b::/96', 'means every IPv4 address; write 0.0.0.0/0 if you want that'],
    ['10.0.0.1-10.0.0.9', "allow[1] must be an address, a range, or a key with its scheme, like 'user:42'"],
    ['[2001:db8::1]', 'allow[1] must be an address, a range, or a key with its scheme'],
    ['203.0.113.7:80', 'allow[1] must be an address, a range, or a key with its scheme'],
    [' 203.0.113.7', 'allow[1] must be an address, a range, or a key with its scheme'],
    ['user:', 'allow[1] must be an address, a range, or a key with its scheme'],
    ['ip:localhost', 'allow[1]: the text after ip: must be an address or a range, got "ip:localhost"'],
    ['ip:300.1.1.1', 'allow[1]: "ip:300.1.1.1" is neither an address nor a CIDR range'],
    ['', 'allow[1] must be an address, a range, or a key with its scheme'],
    [42, 'allow[1] must be an address, a range or a key, got 42'],
    [null, 'allow[1] must be an address, a range or a key, got null'],
    [{}, 'allow[1] must have either key or apiKey'],
    [{ key: 'a', apiKey: 'b' }, 'allow[1] must have either key or apiKey'],
    [{ key: '' }, 'allow[1]: key must be text that is not empty, got ""'],
    [{ key: 42 }, 'allow[1]: key must be text that is not empty, got 42'],
    [{ apiKey: undefined }, 'allow[1] must have either key or apiKey'],
    [{ apiKey: ' sesame' }, 'allow[1]: apiKey must be text that is not empty, without space around it, got text'],
    [{ user: 42 }, 'RL_OPTION_UNKNOWN: allow[1] has no option "user"; it takes key, apiKey'],
  ])('%j', (entry, message) => {
    expect(refusal(() => list('127.0.0.1', entry as never))).toContain(message);
  });

  it.each([['sesame-7f3a'], ['key:sesame-7f3a'], ['sesame-7f3a-9d1c-44b0.x/y'], [{ apiKey: 'sesame-7f3a ' }]])(
    '%j, which may hold an API key, is not shown',
    (entry) => {
      expect(refusal(() => list(entry))).not.toContain('sesame');
    },
  );

  it.each<[unknown, string]>([
    ['10.0.0.0/8', 'RL_LIST_INVALID: deny must be a list of addresses, ranges and keys, got text'],
    [{ list: '10.0.0.0/8' }, 'RL_LIST_INVALID: deny.list must be a list of addresses, ranges and keys, got text'],
    [{ status: 429 }, 'RL_LIST_INVALID: deny.list must be a list of addresses, ranges and keys, got undefined'],
    [{ list: ['10.0.0.0/33'] }, 'RL_LIST_INVALID: deny.list[0]: "10.0.0.0/33"'],
    [{ list: [], status: 404 }, 'RL_LIST_INVALID: deny.status must be 403 or 429, got 404'],
    [{ list: [], status: '403' }, 'RL_LIST_INVALID: deny.status must be 403 or 429, got "403"'],
    [{ lst: [] }, 'RL_OPTION_UNKNOWN: deny has no option "lst"; did you mean list? It takes list, status'],
    [null, 'RL_LIST_INVALID: deny must be a list'],
  ])('deny: %j', (deny, message) => {
    expect(refusal(() => new DenyList(deny, 'deny'))).toContain(message);
  });

  it('denies with 403 unless it says 429', () => {
    expect(new DenyList([], 'deny').status).toBe(403);
    expect(new DenyList({ list: [] }, 'deny').status).toBe(403);
    expect(new DenyList({ list: [], status: 429 }, 'deny').status).toBe(429);
  });
});
