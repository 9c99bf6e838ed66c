import { Inject, Injectable } from '@nestjs/common';
import { RateLimiter, StoreUnavailableError } from 'nestjs-redis-rate-limit';

/** The policy of the sample that blocks. */
export const BLOCKING = 'login';
/** How long a list is shared, in milliseconds: Redis looks at all of its keys for each. */
const FRESH_FOR = 2_000;
const MOST = 20;

export interface Blocked {
  /** Absent if the key is long: then only a digest of it is stored. */
  readonly key: string | undefined;
  /** In milliseconds. */
  readonly blockedFor: number;
}

/** The callers that are blocked now, in all instances. */
@Injectable()
export class BlockedCallers {
  private list: Promise<Blocked[] | null> | undefined;
  private looked = -Infinity;

  constructor(@Inject(RateLimiter) private readonly limiter: RateLimiter) {}

  /** `null`: unknown, because Redis is away. */
  get now(): Promise<Blocked[] | null> {
    if (!this.list || performance.now() - this.looked > FRESH_FOR) this.list = this.look();
    return this.list;
  }

  /** Ends a block. The quota stays as it is. */
  async unblock(key: string): Promise<void> {
    await this.limiter.unblock(BLOCKING, key);
    this.list = undefined;
  }

  /** Ends a block and makes the quota full again. */
  async reset(key: string): Promise<void> {
    await this.limiter.reset(BLOCKING, key);
    this.list = undefined;
  }

  private async look(): Promise<Blocked[] | null> {
    this.looked = performance.now();
    // By key, because a caller may come twice.
    const found = new Map<string, Blocked>();
    try {
      for await (const { key, digest, blockedFor } of this.limiter.blocked(BLOCKING)) {
        found.set(key ?? digest ?? '', { key, blockedFor });
        if (found.size === MOST) break;
      }
    } catch (error) {
      if (error instanceof StoreUnavailableError) return null;
      throw error;
    }
    return [...found.values()];
  }
}
