import type { ExecutionContext } from '@nestjs/common';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import {
  MemoryStore,
  RateLimitGuard,
  RateLimitRefusedException,
  type Hit,
  type ListEntry,
  type RateLimitModuleOptions,
} from 'nestjs-redis-rate-limit';
import { addressOf } from '../../libs/rate-limit/src/engine/identity/address.js';
import { bitsOf } from '../../libs/rate-limit/src/engine/lists/address-set.js';
import { List } from '../../libs/rate-limit/src/engine/lists/list.js';
import type { Plans } from '../../libs/rate-limit/src/nest/plan/plans.js';
import { ruleOf, type Rule } from '../../libs/rate-limit/src/nest/plan/rule.js';
import { settingsOf } from '../../libs/rate-limit/src/nest/settings.js';

/** Few enough bits are free that ranges and addresses meet. */
const ipv4s = fc.tuple(fc.constantFrom(0, 10, 203, 255), fc.constantFrom(0, 113), fc.nat(3), fc.nat(255));
const ipv6s = fc.tuple(fc.constantFrom(0, 0x2001, 0xffff), fc.constantFrom(0, 0xdb8), fc.nat(1), fc.nat(0xffff));
const addresses = fc.oneof(
  ipv4s.map((octets) => new ipaddr.IPv4(octets)),
  ipv6s.map(([a, b, c, d]) => new ipaddr.IPv6([a, b, 0, c, 0, 0, c, d])),
);
type Address = ipaddr.IPv4 | ipaddr.IPv6;

const ranges = fc.tuple(addresses, fc.nat(128)).map(([address, bits]): [Address, number] => {
  const family = address instanceof ipaddr.IPv4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const prefix = address instanceof ipaddr.IPv4 ? bits % 33 : bits;
  return [family.networkAddressFromCIDR(`${address.toString()}/${prefix}`), prefix];
});

/** The same address as frameworks and proxies write it. */
const spellings = (address: Address): string[] => {
  const text = address.toString();
  return address instanceof ipaddr.IPv4
    ? [text, `${text}:80`, `::ffff:${text}`, `[64:ff9b::${text}]:443`, address.toIPv4MappedAddress().toString()]
    : [text, address.toNormalizedString().toUpperCase(), `[${text}]:443`, `${text}%eth0`];
};

it('a list names exactly the addresses that one of its ranges holds, bit by bit, in any notation', () => {
  fc.assert(
    fc.property(
      fc.array(ranges, { maxLength: 12 }),
      fc.array(addresses, { minLength: 1, maxLength: 8 }),
      (all, asked) => {
        const list = new List(
          all.map(([network, bits]) => `${network.toString()}/${bits}`),
          'allow',
        );
        for (const address of asked) {
          const isNamed = all.some(
            ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
          );
          for (const text of spellings(address)) {
            expect([text, list.addresses.holds(bitsOf(addressOf(text)!))]).toEqual([text, isNamed]);
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

const ADDRESSES = ['203.0.113.7', '203.0.113.8', '2001:db8::1'];
const KEYS = ['user:1', 'user:2'];
const API_KEYS = ['partner', 'stolen'];
const listed = [...ADDRESSES, '203.0.113.0/24', ...KEYS, ...API_KEYS.map((apiKey) => ({ apiKey }))];
const entries: fc.Arbitrary<ListEntry[]> = fc.subarray<ListEntry>(listed);
const lists = fc.record({ allow: entries, deny: entries }, { requiredKeys: [] });

interface Caller {
  readonly ip: string;
  /** As it is sent, if one is. */
  readonly apiKey: string | undefined;
}

/** Whether a list names an address, an API key or another key: the one it should. */
const isIn = (list: readonly ListEntry[] = [], { ip, apiKey }: Caller, keys: readonly string[]) =>
  list.includes(ip) ||
  (list.includes('203.0.113.0/24') && ip.startsWith('203.')) ||
  list.some((entry) => typeof entry === 'object' && 'apiKey' in entry && entry.apiKey === apiKey) ||
  keys.some((key) => list.includes(key));

it('who is denied anywhere is refused and charged nothing; of the others pay all policies that nobody allows', async () => {
  const uses = fc.record({ lists, key: fc.constantFrom(...KEYS), isSlow: fc.boolean(), isSkipped: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      lists,
      fc.array(uses, { maxLength: 3 }),
      fc.record({ ip: fc.constantFrom(...ADDRESSES), apiKey: fc.constantFrom(undefined, 'unlisted', ...API_KEYS) }),
      async (own, policies, caller) => {
        const charged: string[] = [];
        const store = new MemoryStore();
        const counting = {
          consume: (hits: readonly Hit[]) => {
            charged.push(...hits.map(({ policy }) => policy.name));
            return store.consume(hits);
          },
          reset: store.reset.bind(store),
        };
        const rules = policies.map((use, i) =>
          ruleOf({
            ...{ name: `p${i}`, limit: 1, window: '1h', ...use.lists },
            ...(use.isSkipped && { skip: () => true }),
            key: () => (use.isSlow ? Promise.resolve(use.key) : use.key),
          }),
        );
        const pass = await admitted(own, rules, caller, counting);

        const applying = policies.flatMap((use, i) => (use.isSkipped ? [] : [{ ...use, name: `p${i}` }]));
        const keys = applying.map(({ key }) => key);
        const isDenied =
          isIn(own.deny, caller, []) ||
          // Whom the module allows by his address nobody asks for his key, unless it may deny him.
          isIn(own.deny, caller, keys) ||
          applying.some((use) => isIn(use.lists.deny, caller, [use.key]));
        const isFree = isIn(own.allow, caller, keys);
        const paying = applying.filter((use) => !isIn(use.lists.allow, caller, [use.key]));
        expect(pass).toBe(!isDenied);
        expect(charged).toEqual(isDenied || isFree ? [] : paying.map(({ name }) => name));
      },
    ),
    { numRuns: 2_000 },
  );
});

/** Whether the guard lets a request of this caller through, under the module's lists and these rules. */
async function admitted(
  own: Pick<RateLimitModuleOptions, 'allow' | 'deny'>,
  all: readonly Rule[],
  { ip, apiKey }: Caller,
  store: ConstructorParameters<typeof RateLimitGuard>[1],
): Promise<boolean> {
  const plan = { early: all, late: [], all, live: undefined, policyField: '' };
  const guard = new RateLimitGuard(
    { of: () => plan } as unknown as Plans,
    store,
    settingsOf(own),
    undefined as never,
    true,
  );
  const context = {
    getType: () => 'http',
    getClass: () => Object,
    getHandler: () => String,
    switchToHttp: () => ({
      getRequest: () => ({ ip, headers: { 'x-api-key': apiKey } }),
      getResponse: () => ({ setHeader: () => {} }),
    }),
  };
  try {
    return await guard.canActivate(context as unknown as ExecutionContext);
  } catch (error) {
    if (error instanceof RateLimitRefusedException) return false;
    throw error;
  }
}
