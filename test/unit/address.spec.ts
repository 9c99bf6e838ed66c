import fc from 'fast-check';
import { clientOf } from '../../libs/rate-limit/src/engine/identity/address.js';

describe('the client that an address stands for', () => {
  it.each<[string, string]>([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['::FFFF:CB00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '203.0.113.7'],
    ['64:ff9b::cb00:7107', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::6', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::6]:443', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['::203.0.113.7', '::/64'],
    ['::cb00:7107', '::/64'],
  ])('%s is %s', (address, client) => {
    expect(clientOf(address, 64)).toBe(client);
  });

  it.each([
    undefined,
    '',
    'unknown',
    'localhost',
    '1.2.3',
    '256.1.1.1',
    '010.1.1.1',
    '::ffff:010.1.1.1',
    '::ffff:0xa.1.1.1',
    '1.2.3.4.5',
    '1.2.3.4%eth0',
    ':',
    '::g',
    '1::2::3',
    '/var/run/x.sock',
  ])('%s is no address', (text) => expect(clientOf(text, 64)).toBeUndefined());

  it('addresses inside one prefix are one client, outside of it another', () => {
    expect(clientOf('2001:db8:1:2ff::1', 56)).toBe(clientOf('2001:db8:1:200::2', 56));
    expect(clientOf('2001:db8:1:3ff::1', 56)).not.toBe(clientOf('2001:db8:1:200::2', 56));
    expect(clientOf('2001:db8::1', 128)).toBe('2001:db8::1/128');
    expect(clientOf('2001:db8:ffff::1', 32)).toBe('2001:db8::/32');
  });

  it('of every prefix the last bit inside counts, and the first one outside does not', () => {
    const bits = BigInt('0x20010db8a5a55a5affff00000f0f1234');
    const address = (flipped?: number) => {
      const other = flipped === undefined ? bits : bits ^ (1n << BigInt(127 - flipped));
      return other.toString(16).match(/.{4}/g)!.join(':');
    };
    for (let prefix = 32; prefix <= 128; prefix++) {
      const isOne = (flipped: number) => clientOf(address(flipped), prefix) === clientOf(address(), prefix);
      const same = Array.from({ length: 128 }, (_, bit) => bit).filter(isOne);
      expect([prefix, same]).toEqual([prefix, Array.from({ length: 128 - prefix }, (_, i) => prefix + i)]);
      expect(clientOf(address(), prefix)).toMatch(new RegExp(`/${prefix}$`));
    }
  });

  it('no two IPv4 clients are one, in any notation', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
        expect(clientOf(`::ffff:${a}`, 32)).toBe(a);
        expect(clientOf(`::ffff:${a}`, 32) === clientOf(b, 32)).toBe(a === b);
      }),
    );
  });

  it('any IPv6 address is a client, the same in every spelling', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const client = clientOf(address, 64);
        expect(client).toBeDefined();
        expect(clientOf(address.toUpperCase(), 64)).toBe(client);
        expect(clientOf(`[${address}]:80`, 64)).toBe(client);
      }),
    );
  });
});
