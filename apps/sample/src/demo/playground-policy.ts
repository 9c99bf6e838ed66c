import { BadRequestException } from '@nestjs/common';
import { definePolicy, RateLimitError, type Policy, type PolicyDefinition } from 'nestjs-redis-rate-limit';
import { algorithmOf } from 'nestjs-redis-rate-limit/engine';

/** What a demo may keep busy. Spans in milliseconds. */
const MOST = { limit: 10_000, heavyLimit: 1_000, burst: 10_000, cost: 10_000, window: 300_000, block: 300_000 };
const SHORTEST_WINDOW = 100;

/** What the page asks to be judged: the visitor's policy, whose quota it is, and what the request costs. */
export interface Demand {
  readonly policy: Policy;
  readonly key: string;
  readonly cost: number;
}

/**
 * The library checks a policy itself; here it is only kept small. The policy comes with each request and is stored
 * nowhere, so visitors cannot change each other's limits, and instances need not share them.
 *
 * @throws BadRequestException naming the value and what it may be
 */
export function demandOf(visitor: string | undefined, body: unknown): Demand {
  const { client, policy, cost = 1 } = (body ?? {}) as { client?: unknown; policy?: unknown; cost?: unknown };
  if (typeof client !== 'string' || !/^[\p{L}\p{M}\p{N} .@_-]{1,32}$/u.test(client) || client.trim() === '') {
    throw bad('client', '1 to 32 letters, digits, spaces or any of . @ - _', client);
  }
  whole('cost', cost, 0, MOST.cost);
  return { policy: playgroundPolicy(policy), key: `visitor:${visitorIn(visitor)}:${client}`, cost };
}

/** @throws BadRequestException */
export function visitorIn(header: string | undefined): string {
  if (header !== undefined && /^[\w-]{8,64}$/.test(header)) return header;
  throw bad('x-visitor', '8 to 64 letters and digits', header);
}

function playgroundPolicy(given: unknown): Policy {
  const { algorithm, limit, window, burst, blockFor } = (given ?? {}) as PolicyDefinition;
  try {
    const ifSaid = { burst: burst ?? undefined, blockFor: blockFor ?? undefined };
    const policy = definePolicy({ name: 'demo', algorithm, limit, window, ...ifSaid });
    const { title, weight } = algorithmOf(policy.algorithm);
    if (weight > 1) whole(`the limit of a ${title}`, policy.limit, 1, MOST.heavyLimit);
    whole('limit', policy.limit, 1, MOST.limit);
    whole('burst', policy.burst, 1, MOST.burst);
    whole('window in ms', policy.window, SHORTEST_WINDOW, MOST.window);
    for (const span of policy.blocks?.spans ?? []) whole('a block in ms', span, 1, MOST.block);
    whole('forgetAfter in ms', policy.blocks?.forgetAfter ?? 0, 0, MOST.block);
    return policy;
  } catch (error) {
    throw error instanceof RateLimitError ? new BadRequestException(error.message) : error;
  }
}

function whole(what: string, value: unknown, from: number, to: number): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return;
  throw bad(what, `a whole number from ${from} to ${to}`, value);
}

function bad(what: string, expected: string, got: unknown): BadRequestException {
  // Not what is in an object: it may be deeper than can be written.
  const shown = typeof got === 'object' && got !== null ? 'an object' : JSON.stringify(got)?.slice(0, 80);
  return new BadRequestException(`${what} must be ${expected}, got ${shown}`);
}
