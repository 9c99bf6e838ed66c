import { Controller, Get } from '@nestjs/common';
import { MemoryStore, RateLimit, RateLimiter, type PolicyOptions, type RateLimitStore } from 'nestjs-redis-rate-limit';
import { boot, closeApps } from '../support/app.js';
import { everywhere, keptIn } from '../support/places.js';

const ABNORMAL = 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected';
const EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

@Controller()
class AccountController {
  @Get('login')
  @RateLimit('login')
  login() {}

  @Get('both')
  @RateLimit('login', 'other')
  both() {}

  @Get('by-hand')
  @RateLimit('byHand')
  byHand() {}
}

const key = () => 'somebody';
const policies = {
  login: { limit: 2, window: '1m', blockFor: ['15m', '1h'], key },
  other: { limit: 5, window: '1d', blockFor: '1d', key },
  byHand: { limit: 2, window: '1d', blockFor: 0, key },
} as const satisfies Record<string, Omit<PolicyOptions, 'name'>>;

const optionsFor = keptIn();
afterEach(closeApps);

describe.each(everywhere)('an application on %s, quotas %s', (adapter, place) => {
  const start = async () => {
    const { get, nest } = await boot(adapter, { policies, ...optionsFor(place) }, { controllers: [AccountController] });
    return { get, limiter: nest.get(RateLimiter) };
  };

  it('who goes over is denied for as long as blockFor says, and told so', async () => {
    const { get } = await start();
    for (let i = 0; i < 2; i++) expect((await get('/login')).status).toBe(200);
    for (let i = 0; i < 3; i++) {
      const denied = await get('/login');
      expect(denied.status).toBe(429);
      expect(denied.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(denied.headers.get('ratelimit')).toMatch(/^"login";r=0;t=(900|89\d)$/);
      const wait = denied.headers.get('retry-after');
      expect(wait).toMatch(/^(900|89\d)$/);
      expect(await denied.json()).toEqual({
        type: ABNORMAL,
        title: 'Request not satisfied due to detection of abnormal request pattern',
        status: 429,
        detail: `Requests under "login" are blocked for now; try again in ${wait} s.`,
        message: `Too many requests: blocked under "login". Try again in ${wait} s.`,
        'violated-policies': ['login'],
      });
    }
  });

  it('a policy beside one that denies is not blocked, and not charged', async () => {
    const { get, limiter } = await start();
    for (let i = 0; i < 4; i++) await get('/both');
    expect(await limiter.peek('other', 'somebody')).toMatchObject({ remaining: 3 });
    expect(await limiter.blockedFor('other', 'somebody')).toBe(0);
    expect(await limiter.blockedFor('login', 'somebody')).toBeGreaterThan(890_000);
  });

  it('code blocks, unblocks and asks; unblocking keeps the quota', async () => {
    const { get, limiter } = await start();
    await limiter.block('byHand', 'somebody', '15m');
    const blocked = await get('/by-hand');
    expect([blocked.status, ((await blocked.json()) as { type: string }).type]).toEqual([429, ABNORMAL]);
    expect(await limiter.blockedFor('byHand', 'somebody')).toBeGreaterThan(890_000);
    await limiter.unblock('byHand', 'somebody');
    expect(await limiter.blockedFor('byHand', 'somebody')).toBe(0);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get('/by-hand')).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(((await (await get('/by-hand')).json()) as { type: string }).type).toBe(EXCEEDED);

    await limiter.block('byHand', 'somebody', 900_000);
    await limiter.reset('byHand', 'somebody');
    expect((await get('/by-hand')).status).toBe(200);
  });

  it('what cannot be blocked is refused with the value and the fix', async () => {
    const { limiter } = await start();
    const plain = { name: 'plain', limit: 1, window: '1s' } as const;
    await expect(limiter.block(plain, 'k', '1m')).rejects.toThrow('RL_BLOCK_OFF: plain: the policy has no blockFor');
    await expect(limiter.unblock(plain, 'k')).rejects.toThrow('RL_BLOCK_OFF');
    await expect(limiter.block('byHand', 'k', '1.5m')).rejects.toThrow('RL_BLOCK_INVALID');
    await expect(limiter.block('byHand', 'k', -1)).rejects.toThrow('got -1');
    await expect(limiter.block('byHand', 'k', 60)).rejects.toThrow(
      "RL_BLOCK_INVALID: block(): 60 means 60 milliseconds; write '60s' for seconds, or '60ms' if milliseconds are meant",
    );
    await expect(limiter.block(plain, 'user:undefined', '1m')).rejects.toThrow(
      'RL_KEY_INVALID: plain: the id in the key "user:undefined" is missing',
    );
    await expect(limiter.block('nobody', 'k', 1)).rejects.toThrow('RL_UNKNOWN_POLICY');
    expect(await limiter.blockedFor(plain, 'k')).toBe(0);
  });
});

describe('a store of your own that cannot block', () => {
  const plainStore = (): RateLimitStore => {
    const store = new MemoryStore();
    return { consume: (hits) => store.consume(hits), reset: (policy, key) => store.reset(policy, key) };
  };

  it('ends the start where a policy of the catalogue asks for it, or one of a handler', async () => {
    const message = 'blockFor needs a store with block() and unblock(), which your store lacks; leave blockFor out';
    const login = { limit: 2, window: '1s', blockFor: '15m' } as const;
    await expect(boot('express', { store: plainStore(), policies: { login } }, {})).rejects.toThrow(
      `RL_STORE_WITHOUT_BLOCKS: policies.login: ${message}`,
    );
    @Controller()
    class Unnamed {
      @Get()
      @RateLimit(login)
      find() {}
    }
    await expect(boot('express', { store: plainStore() }, { controllers: [Unnamed] })).rejects.toThrow(
      `RL_STORE_WITHOUT_BLOCKS: Unnamed.find: ${message}`,
    );
  });

  it('says so to code that spells such a policy out', async () => {
    const { nest } = await boot('express', { store: plainStore() }, {});
    const policy = { name: 'p', limit: 2, window: '1s', blockFor: '15m' } as const;
    await expect(nest.get(RateLimiter).consume(policy, 'k')).rejects.toThrow('RL_STORE_WITHOUT_BLOCKS');
  });

  it('is fine with everything else, and one that can is asked', async () => {
    const plain = await boot('express', { store: plainStore(), policies: { p: { limit: 1, window: '1s' } } }, {});
    expect((await plain.nest.get(RateLimiter).consume('p', 'k')).allowed).toBe(true);
    const store = new MemoryStore();
    const { nest } = await boot('express', { store, policies }, {});
    await nest.get(RateLimiter).block('login', 'somebody', '1m');
    expect(await nest.get(RateLimiter).blockedFor('login', 'somebody')).toBeGreaterThan(59_000);
  });
});

describe('one name has one blockFor', () => {
  const routeWith = (blockFor: PolicyOptions['blockFor']) => {
    @Controller()
    class Account {
      @Get()
      @RateLimit({ name: 'login', limit: 2, window: '1m', blockFor })
      find() {}
    }
    return boot('express', { policies: { login: policies.login } }, { controllers: [Account] });
  };

  it('another is a conflict, and the same in other words is not', async () => {
    await expect(routeWith('15m')).rejects.toThrow(
      'RL_POLICY_CONFLICT: Account.find: the policy "login" is defined twice, with blockFor ["15m","1h"] and "15m"',
    );
    await expect(routeWith(undefined)).rejects.toThrow('RL_POLICY_CONFLICT');
    await routeWith({ spans: [900_000, '60m'], forgetAfter: '1h', extend: false });
  });
});
