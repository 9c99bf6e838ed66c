import { jest } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Logger,
  UseGuards,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
} from '@nestjs/common';
import {
  byAll,
  byFirst,
  byHeader,
  byTenant,
  byUser,
  RateLimit,
  RateLimiter,
  RateLimitModule,
  type RateLimitModuleOptions,
  type RateLimitRequest,
} from 'nestjs-redis-rate-limit';
import { boot, closeApps, type App } from '../support/app.js';

const quota = { limit: 1_000, window: '1h' } as const;

/** What the guard leaves on the request. */
let left: Record<string, unknown>;
/** What a key function returns. */
let own: unknown;

@Injectable()
class Authentication implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    Object.assign(context.switchToHttp().getRequest<object>(), left);
    return true;
  }
}

@Controller()
@UseGuards(Authentication)
class UsersController {
  @Get('user')
  @RateLimit({ name: 'user', ...quota, key: byUser })
  user() {}

  @Get('tenant')
  @RateLimit({ name: 'tenant', ...quota, key: byTenant })
  tenant() {}

  @Get('both')
  @RateLimit({ name: 'both', ...quota, key: byAll(byTenant, byUser) })
  both() {}

  @Get('first')
  @RateLimit({ name: 'first', ...quota, key: byFirst(byTenant, byUser) })
  first() {}

  @Get('pair')
  @RateLimit({
    name: 'pair',
    ...quota,
    key: byAll(
      () => 7n,
      () => own as string,
    ),
  })
  pair() {}

  @Get('own')
  @RateLimit({ name: 'own', ...quota, key: () => own as string })
  own() {}
}

/** As MongoDB's: a hex text, and the raw bytes as `id`. */
class ObjectId {
  constructor(private readonly hex: string) {}
  get id() {
    return Buffer.from(this.hex, 'hex');
  }
  toHexString() {
    return this.hex;
  }
}
const hex = '65f0c0ffee65f0c0ffee65f0';

class Entity {
  readonly #id = 42;
  get id() {
    return this.#id;
  }
  toString() {
    return 'an entity';
  }
}

let warn: jest.SpiedFunction<Logger['warn']>;
beforeEach(() => {
  left = {};
  warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
});
afterEach(() => jest.restoreAllMocks());
afterAll(closeApps);

const started = (keys: RateLimitModuleOptions['keys'] = {}): Promise<App> =>
  boot('express', { keys }, { controllers: [UsersController] });

/** The key that a request was charged to, by what the policy of its path has left for it. */
async function payerOf(
  { nest, get }: App,
  path: string,
  candidates: readonly string[],
  headers = {},
): Promise<string[]> {
  const limiter = nest.get(RateLimiter);
  const remaining = async () =>
    Promise.all(candidates.map(async (key) => (await limiter.peek({ name: path, ...quota }, key)).remaining));
  const before = await remaining();
  expect((await get(`/${path}`, headers)).status).toBe(200);
  const after = await remaining();
  return candidates.filter((_, i) => after[i] !== before[i]);
}

const warnings = () => warn.mock.calls.map(([text]) => String(text));

describe('a user', () => {
  let shared: App;
  beforeAll(async () => {
    shared = await started();
  });

  it.each<[string, unknown, string]>([
    ["Passport's recipe", { userId: 42, username: 'ada' }, 'user:42'],
    ['a JWT', { sub: 'auth0|42', iat: 1 }, 'user:auth0|42'],
    ['a bigint', { id: 42n }, 'user:42'],
    ['0', { id: 0 }, 'user:0'],
    ['a document of MongoDB', { _id: new ObjectId(hex) }, `user:${hex}`],
    ['an ObjectId', new ObjectId(hex), `user:${hex}`],
    ['bytes', { id: Buffer.from('2a', 'hex') }, 'user:2a'],
    ['Firebase', { uid: 'f42', email: 'ada@example.org' }, 'user:f42'],
    ['Azure', { oid: 'a-42' }, 'user:a-42'],
    ['an entity', new Entity(), 'user:42'],
    ['text', 'ada', 'user:ada'],
    ['an id that is empty, with another', { id: '', sub: 'ada' }, 'user:ada'],
    ['nobody', null, 'ip:127.0.0.1'],
    ['nobody, said as false', false, 'ip:127.0.0.1'],
    ['nobody, said as text', '', 'ip:127.0.0.1'],
  ])('of %s is told from others, without a warning', async (_what, user, key) => {
    left = { user };
    const all = new Set(['ip:127.0.0.1', key, 'user:an entity']);
    expect(await payerOf(shared, 'user', [...all])).toEqual([key]);
    expect(warnings()).toEqual([]);
  });

  it('in whom no identity is found pays by the address, and the log says so once: by names, not values', async () => {
    const app = await started();
    for (const user of [{ username: 'ada', password: 'secret' }, { id: NaN }, {}, true, Promise.resolve({ id: 1 })]) {
      left = { user };
      expect(await payerOf(app, 'user', ['ip:127.0.0.1'])).toEqual(['ip:127.0.0.1']);
    }
    expect(warnings()).toEqual([
      expect.stringMatching(
        /Users behind one address share a quota, because request\.user has no text or number in id, sub, .* it has username, password\..*keys: \{ user:/,
      ),
    ]);
    expect(warnings()[0]).not.toMatch(/ada|secret/);
  });

  it('that a library left elsewhere is not read, and the log says so once', async () => {
    const app = await started();
    left = { auth: { sub: 'ada' }, session: { user: { id: 1 } } };
    expect(await payerOf(app, 'user', ['ip:127.0.0.1', 'user:ada'])).toEqual(['ip:127.0.0.1']);
    await app.get('/user');
    expect(warnings()).toEqual([expect.stringMatching(/request\.user is not set, but request\.auth names a user/)]);
  });

  it('is whom keys.user names, at once or later; what names nobody pays by the address and is warned of', async () => {
    const app = await started({ user: ({ auth }: RateLimitRequest & { auth: unknown }) => auth as string });
    for (const [auth, key] of [
      [42n, 'user:42'],
      [new ObjectId(hex), `user:${hex}`],
      [Promise.resolve('ada'), 'user:ada'],
      [Promise.resolve(undefined), 'ip:127.0.0.1'],
      [undefined, 'ip:127.0.0.1'],
      ['', 'ip:127.0.0.1'],
    ] as const) {
      left = { auth };
      expect(await payerOf(app, 'user', [key])).toEqual([key]);
    }
    expect(warnings()).toEqual([]);
    for (const auth of [NaN, true, { of: 'mongo' }]) {
      left = { auth };
      expect(await payerOf(app, 'user', ['ip:127.0.0.1'])).toEqual(['ip:127.0.0.1']);
    }
    expect(warnings()).toEqual([expect.stringMatching(/^keys\.user returned NaN, which is not an id/)]);
  });
});

describe('a tenant', () => {
  const forged = { 'x-tenant-id': 'rival' };
  const candidates = ['tenant:acme', 'tenant:rival', 'user:42', 'ip:127.0.0.1'];

  it.each<[string, unknown, string]>([
    ['of the user', { id: 42, tenantId: 'acme' }, 'tenant:acme'],
    ['of an organisation', { id: 42, org_id: 'acme' }, 'tenant:acme'],
    ['that a user lacks is the user', { id: 42 }, 'user:42'],
    ['that a user without an id lacks is the address', { name: 'ada' }, 'ip:127.0.0.1'],
    ['of nobody is the header', undefined, 'tenant:rival'],
  ])('%s, whatever a header says', async (_what, user, key) => {
    const app = await started({ tenantHeader: 'X-Tenant-Id' });
    left = { user };
    expect(await payerOf(app, 'tenant', candidates, forged)).toEqual([key]);
    await app.get('/tenant', forged);
    const isTold = user !== undefined && !key.startsWith('tenant');
    expect(warnings().filter((text) => /no text or number in tenantId/.test(text))).toHaveLength(isTold ? 1 : 0);
  });

  it('is whom keys.tenant names, and together with others too', async () => {
    const app = await started({ tenant: ({ auth }: RateLimitRequest & { auth: unknown }) => auth as string });
    left = { user: { id: 42 }, auth: Promise.resolve(7n) };
    expect(await payerOf(app, 'tenant', ['tenant:7'])).toEqual(['tenant:7']);
    expect(await payerOf(app, 'both', ['tenant:7+user:42'])).toEqual(['tenant:7+user:42']);
    left = { user: { id: 42 } };
    expect(await payerOf(app, 'first', ['user:42'])).toEqual(['user:42']);
    expect(warnings()).toEqual([]);
  });
});

it.each<[string, () => unknown]>([
  ['the argument of byHeader()', () => byHeader('x api key')],
  ['the argument of byHeader()', () => byHeader('')],
  ['the argument of byHeader()', () => byHeader(':authority')],
  ['keys.tenantHeader', () => RateLimitModule.forRoot({ keys: { tenantHeader: 'x-tenant: id' } })],
  ['keys.apiKeyHeader', () => RateLimitModule.forRoot({ keys: { apiKeyHeader: 'x api key' } })],
])('%s takes no name that no header has (%#)', async (place, use) => {
  const attempt = async () => {
    const made = use();
    if (typeof made !== 'function') await boot('express', made as DynamicModule, {});
  };
  await expect(attempt()).rejects.toThrow(
    new RegExp(`^RL_KEYS_INVALID: ${place.replace(/[()]/g, '.')}.*name of a header`),
  );
});

it('a key function may return an id as the database has it, and an address in any notation', async () => {
  const app = await started({ ipv6Prefix: 56 });
  for (const [value, key] of [
    [42n, '42'],
    [new ObjectId(hex), hex],
    [Buffer.from('2a', 'hex'), '2a'],
    ['ip:::ffff:203.0.113.7', 'ip:203.0.113.7'],
    ['ip:2001:db8:1:2ff::1', 'ip:2001:db8:1:200::/56'],
  ] as const) {
    own = value;
    expect(await payerOf(app, 'own', [key])).toEqual([key]);
    expect(await payerOf(app, 'pair', [`7+${key}`])).toEqual([`7+${key}`]);
  }
  own = null;
  expect((await app.get('/own')).headers.get('ratelimit')).toBeNull();
});
