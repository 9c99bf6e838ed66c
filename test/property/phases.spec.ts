import { jest } from '@jest/globals';
import {
  Controller,
  Get,
  Logger,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import fc from 'fast-check';
import { byAll, byFirst, byIp, byUser, RateLimit, type KeyResolver, type PolicyOptions } from 'nestjs-redis-rate-limit';
import { adapters, boot, closeApps } from '../support/app.js';

interface WithUser {
  headers: Record<string, string | undefined>;
  user?: { id: string };
}
const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<WithUser>();

class LoginGuard implements CanActivate {
  static leaks = 0;

  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    if (Object.hasOwn(request, 'user')) LoginGuard.leaks++;
    const id = request.headers['authorization'];
    if (!id) throw new UnauthorizedException();
    request.user = { id };
    return true;
  }
}

/** A function of the application: whether it reads the user, and what becomes of it then. */
interface Part {
  readonly reads: 'never' | 'always' | 'if asked';
  readonly isAsync: boolean;
  readonly throws: boolean;
}
const part = fc.record<Part>({
  reads: fc.constantFrom('never', 'never', 'always', 'if asked'),
  isAsync: fc.boolean(),
  throws: fc.boolean(),
});
const maybe = fc.option(part, { nil: undefined });
const rule = fc.record({
  kind: fc.constantFrom('key', 'byAll', 'byFirst', 'resolve', 'byIp', 'byUser'),
  main: part,
  skip: maybe,
  cost: maybe,
  limit: maybe,
  most: fc.integer({ min: 1, max: 4 }),
});
type Drawn = typeof rule extends fc.Arbitrary<infer R> ? R : never;

const doesRead = (read: Part | undefined, isAsked: boolean): boolean =>
  read?.reads === 'always' || (read?.reads === 'if asked' && isAsked);

/** Gives `value` the user it read, or 'none'. */
function functionOf<T>(read: Part, value: (user: string | undefined) => T) {
  const decide = (context: ExecutionContext): T => {
    const request = requestOf(context);
    if (!doesRead(read, 'x-ask' in request.headers)) return value('none');
    return value(read.throws ? request.user!.id : request.user?.id);
  };
  return read.isAsync ? (context: ExecutionContext) => new Promise(setImmediate).then(() => decide(context)) : decide;
}

function policyOf({ kind, main, skip, cost, limit, most }: Drawn, name: string): PolicyOptions {
  const own = functionOf(main, (user) => `own:${user}`) as KeyResolver;
  const keys = { key: own, byAll: byAll(byIp, own), byFirst: byFirst(own, () => 'x'), resolve: byIp, byIp, byUser };
  const isLookup = kind === 'resolve';
  return {
    name,
    window: '1h',
    limit: limit && !isLookup ? functionOf(limit, () => most) : most,
    key: keys[kind],
    ...(skip && { skip: functionOf(skip, () => false) }),
    ...(cost && { cost: functionOf(cost, () => 1) }),
    ...(isLookup && { resolve: functionOf(main, () => ({ limit: most })) }),
  };
}

/** What a handler with these rules answers, by the rules that the documents state. */
class Model {
  private readonly left = new Map<string, number>();

  constructor(private readonly rules: readonly Drawn[]) {}

  answer(isLoggedIn: boolean, isAsked: boolean): number {
    const reads = (...parts: (Part | undefined)[]) => parts.filter((each) => doesRead(each, isAsked));
    const isLate = ({ kind, main, skip, cost, limit }: Drawn) =>
      kind === 'byUser' ||
      (kind !== 'byIp' && reads(main, skip, cost, kind === 'resolve' ? undefined : limit).length > 0);
    const isFailing = ({ kind, skip, cost, limit }: Drawn) =>
      kind === 'byIp' && reads(skip, cost, limit).some((each) => each!.throws);
    if (this.rules.some(isFailing)) return 500;
    if (!this.charge((each) => !isLate(each), isAsked)) return 429;
    if (!isLoggedIn) return 401;
    return this.charge(isLate, isAsked) ? 200 : 429;
  }

  /** All or none. */
  private charge(isMeant: (each: Drawn) => boolean, isAsked: boolean): boolean {
    const quotas = this.rules.flatMap((each, i) => {
      const isOwn = ['key', 'byAll', 'byFirst'].includes(each.kind) && doesRead(each.main, isAsked);
      return isMeant(each) ? [[`${i} ${isOwn}`, each.most] as const] : [];
    });
    const isPassing = quotas.every(([id, most]) => (this.left.get(id) ?? most) > 0);
    if (isPassing) for (const [id, most] of quotas) this.left.set(id, (this.left.get(id) ?? most) - 1);
    return isPassing;
  }
}

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

it.each(adapters)(
  'on %s every policy is charged once, early unless it needs the user, and all or none in a phase',
  async (adapter) => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    @Controller()
    class DrawnController {}
    const { prototype } = DrawnController as unknown as { prototype: Record<string, () => void> };
    const drawn = fc.sample(fc.array(rule, { minLength: 1, maxLength: 3 }), 40);
    for (const [i, rules] of drawn.entries()) {
      const name = `h${i}`;
      Object.defineProperty(prototype, name, { value: { [name]() {} }[name], writable: true, configurable: true });
      const policies = rules.map((each, j) => policyOf(each, `${name}-${j}`));
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
      for (const decorate of [Get(name), RateLimit(...policies), UseGuards(LoginGuard)])
        decorate(prototype, name, descriptor);
    }
    const { get } = await boot(adapter, {}, { controllers: [DrawnController] });
    for (const [i, rules] of drawn.entries()) {
      const model = new Model(rules);
      for (let n = 0; n < 6; n++) {
        const [isLoggedIn, isAsked] = [n % 3 !== 2, n % 2 === 1];
        const headers = { ...(isLoggedIn && { authorization: 'ann' }), ...(isAsked && { 'x-ask': 'yes' }) };
        const { status } = await get(`/h${i}`, headers);
        expect({ rules, n, status }).toEqual({ rules, n, status: model.answer(isLoggedIn, isAsked) });
      }
    }
    expect(LoginGuard.leaks).toBe(0);
  },
);
