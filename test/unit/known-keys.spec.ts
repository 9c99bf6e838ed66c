import fc from 'fast-check';
import { ipKey } from 'nestjs-redis-rate-limit';
import { clientOf } from '../../libs/rate-limit/src/engine/identity/address.js';
import { canonicalKey, canonicalRequestKey } from '../../libs/rate-limit/src/engine/identity/ip-key.js';
import { KnownKeys } from '../../libs/rate-limit/src/engine/identity/known-keys.js';

describe('ipKey', () => {
  it.each([
    ['203.0.113.7', 'ip:203.0.113.7'],
    ['::ffff:203.0.113.7', 'ip:203.0.113.7'],
    ['64:ff9b::203.0.113.7', 'ip:203.0.113.7'],
    ['203.0.113.7:4711', 'ip:203.0.113.7'],
    ['2001:DB8:0:1:2:3:4:5', 'ip:2001:db8:0:1::/64'],
    ['[2001:db8::1]:443', 'ip:2001:db8::/64'],
    ['fe80::1%eth0', 'ip:fe80::/64'],
    [undefined, 'ip:none'],
    ['', 'ip:none'],
  ])('of %p is %s', (address, key) => expect(ipKey(address)).toBe(key));

  it('cuts IPv6 by the prefix, and refuses what is no address or no prefix', () => {
    expect(ipKey('2001:db8:1:2ff::1', 56)).toBe('ip:2001:db8:1:200::/56');
    expect(() => ipKey('10.0.0.0/8')).toThrow(/^RL_KEY_INVALID: .* got "10.0.0.0\/8"/);
    expect(() => ipKey('bob')).toThrow('RL_KEY_INVALID');
    expect(() => ipKey(42 as never)).toThrow('RL_KEY_INVALID');
    expect(() => ipKey('::1', 20)).toThrow('RL_KEYS_INVALID');
  });
});

describe('a key of an address', () => {
  it.each([
    ['ip:203.0.113.7', 'ip:203.0.113.7'],
    ['ip:::ffff:203.0.113.7', 'ip:203.0.113.7'],
    ['ip:203.0.113.7:80', 'ip:203.0.113.7'],
    ['ip:2001:DB8::1', 'ip:2001:db8::/64'],
    ['ip:2001:DB8::/64', 'ip:2001:db8::/64'],
    ['ip:2001:db8:1:2ff::/56', 'ip:2001:db8:1:200::/56'],
    ['ip:::ffff:203.0.113.7+user:42', 'ip:203.0.113.7+user:42'],
    // What is not an address stays what it is.
    ['ip:none', 'ip:none'],
    ['ip:', 'ip:'],
    ['ip:a:b', 'ip:a:b'],
    ['ip:2001:db8::/999', 'ip:2001:db8::/999'],
    ['ip:::ffff:203.0.113.7/128', 'ip:::ffff:203.0.113.7/128'],
    ['user:::ffff:203.0.113.7', 'user:::ffff:203.0.113.7'],
    ['zip:::1', 'zip:::1'],
    ['a+b', 'a+b'],
    ['header.x:a+ip:::1', 'header.x:a+ip:::1'],
  ])('%s is %s', (key, canonical) => {
    expect(canonicalKey(key, 64)).toBe(canonical);
    expect(canonicalRequestKey(canonical, 64)).toBe(canonical);
  });
});

/** In many spellings, with zeros of any place left out. */
const ipv6 = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }),
    fc.constantFrom(1, 4),
    fc.boolean(),
    fc.nat(8),
    fc.nat(8),
  )
  .map(([groups, digits, isUpper, from, to]) => {
    const texts = groups.map((group) => group.toString(16).padStart(digits, '0'));
    const isLeftOut = from < to && groups.slice(from, to).every((group) => group === 0);
    const text = isLeftOut ? `${texts.slice(0, from).join(':')}::${texts.slice(to).join(':')}` : texts.join(':');
    return isUpper ? text.toUpperCase() : text;
  });
const addresses = fc.oneof(
  fc.ipV4(),
  ipv6,
  fc.tuple(fc.constantFrom('::ffff:', '64:ff9b::', '::'), fc.ipV4()).map((parts) => parts.join('')),
);
const prefixes = fc.oneof(fc.constantFrom(48, 56, 64, 112), fc.integer({ min: 32, max: 128 }));

describe('whatever a proxy writes', () => {
  it('an address has one key, that of byIp, for requests and for code', () => {
    const written = fc.tuple(addresses, fc.constantFrom('', '[]', '[]:443', ':80', '%eth0')).map(([address, more]) => {
      if (more.startsWith('[')) return `[${address}]${more.slice(2)}`;
      const isFit = address.includes(':') ? more !== ':80' : more !== '%eth0';
      return isFit ? address + more : address;
    });
    fc.assert(
      fc.property(written, prefixes, (address, prefix) => {
        const key = `ip:${clientOf(address, prefix)}`;
        const keys = new KnownKeys(prefix);
        keys.learn('login', ['ip']);
        for (const text of [key, `ip:${address}`]) {
          expect([text, canonicalRequestKey(text, prefix), keys.canonical('login', text)]).toEqual([text, key, key]);
        }
        expect(ipKey(address, prefix)).toBe(key);
        keys.checkReaches('login', key);
      }),
      { numRuns: 2_000 },
    );
  });

  it('so has a line that an own function cuts', () => {
    const groups = fc.array(fc.constantFrom('0', '1', 'ab', 'AB', '0ab', '2001'), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(groups, prefixes, fc.boolean(), (written, prefix, isOther) => {
        const key = `ip:${written.join(':')}::/${isOther ? 56 : prefix}`;
        expect([key, canonicalRequestKey(key, prefix)]).toEqual([key, canonicalKey(key, prefix)]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what is known of keys', () => {
  const warnings: string[] = [];
  let keys: KnownKeys;
  beforeEach(() => {
    warnings.length = 0;
    keys = new KnownKeys(64, (message) => warnings.push(message));
    keys.learn('daily', ['user', 'ip']);
    keys.learn('both', ['tenant+user', 'tenant+ip']);
    keys.learn('free', undefined);
  });
  const refusal = (policy: string, key: string) => {
    try {
      keys.checkReaches(policy, key);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([
    ['daily', 'user:42'],
    ['daily', 'user:a+b'],
    ['daily', 'ip:203.0.113.7'],
    ['daily', 'ip:2001:db8::/64'],
    ['daily', 'ip:none'],
    ['both', 'tenant:acme+user:42'],
    ['free', '42'],
    ['of no handler', '42'],
  ])('%s has keys like %s', (policy, key) => {
    expect(refusal(policy, key)).toBeUndefined();
    keys.noteSpending(policy, key);
    expect(warnings).toEqual([]);
  });

  it('an address is read in each part of a key of byAll, and nowhere else', () => {
    keys.learn('pair', ['user+ip']);
    expect(keys.canonical('pair', 'user:42+ip:::ffff:203.0.113.7')).toBe('user:42+ip:203.0.113.7');
    expect(keys.canonical('daily', 'user:42+ip:::ffff:203.0.113.7')).toBe('user:42+ip:::ffff:203.0.113.7');
  });

  it('a key without a scheme reaches nobody: an error with the fix', () => {
    expect(refusal('daily', '42')).toBe(
      `RL_KEY_INVALID: daily: no request has the key "42"; requests are counted by keys like 'user:…' or 'ip:…'. ` +
        `Write "user:42", or give a custom key a scheme, like 'job:nightly'.`,
    );
    expect(refusal('daily', '::1')).toMatch(/Write ipKey\("::1"\)\.$/);
    expect(refusal('daily', '')).toMatch(/^RL_KEY_INVALID/);
    expect(refusal('both', '42')).toMatch(/counted by keys like 'tenant:…\+user:…' or 'tenant:…\+ip:…'/);
  });

  it('a key whose id is missing reaches nobody, whatever the policy; code that spends by it is warned once', () => {
    for (const key of ['user:', 'user:undefined', 'user:null', 'user:NaN', 'user:[object Object]', 'undefined:room']) {
      for (const policy of ['daily', 'free', 'of no handler']) {
        expect(refusal(policy, key)).toBe(
          `RL_KEY_INVALID: ${policy}: the id in the key "${key}" is missing; check what the key is made of`,
        );
      }
      keys.noteSpending('daily', key);
    }
    expect(warnings).toEqual([
      'daily: code uses the key "user:", whose id is missing. All such calls share one quota.',
    ]);
    // A client may send that.
    expect(refusal('free', 'header.x-who:undefined')).toBeUndefined();
  });

  it('what may be an API key is not shown', () => {
    keys.learn('calls', ['key', 'ip']);
    expect(refusal('calls', 'sk_live_secret')).toMatch(
      /^RL_KEY_INVALID: calls: no request has the key that was given \(14 .* takes \{ apiKey \} too/,
    );
  });

  it('nor does an address that is none, or a range', () => {
    for (const key of ['ip:203.0.113', 'ip:10.0.0.0/8', 'ip:2001:db8::/48']) {
      expect(refusal('daily', key)).toMatch(
        /^RL_KEY_INVALID: daily: no request has the key "ip:.*"; write one address after ip:/,
      );
    }
  });

  it('code that spends by such an address is warned once: ipKey() does not know the prefix of the module', () => {
    const cut = new KnownKeys(56, (message) => warnings.push(message));
    cut.learn('daily', ['ip']);
    cut.noteSpending('daily', cut.canonical('daily', 'ip:2001:db8:1:2ff::1'));
    expect(warnings).toEqual([]);
    for (const key of [ipKey('2001:db8:1:2ff::1'), 'ip:unknown'])
      cut.noteSpending('daily', cut.canonical('daily', key));
    expect(warnings).toEqual([
      expect.stringMatching(
        /^daily: no request has the key "ip:2001:db8:1:2ff::\/64"; .* cut to \/56 .* pass it your keys/,
      ),
    ]);
  });

  it('a key of another scheme is warned of once, unless code spends by it', () => {
    keys.noteSpending('daily', 'mail:a');
    for (const key of ['mail:b', 'tenant:acme', 'tenant:other']) expect(refusal('daily', key)).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringMatching(/^daily: code names the key "tenant:acme", but requests are counted by keys like/),
    ]);
    expect(refusal('both', 'user:42')).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });

  it('code that spends by a key without a scheme is warned once: requests have another quota', () => {
    keys.noteSpending('daily', '42');
    keys.noteSpending('daily', '43');
    expect(warnings).toEqual([expect.stringMatching(/^daily: code uses the key "42".*Write "user:42"/)]);
  });
});
