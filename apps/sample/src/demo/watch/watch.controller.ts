import { BadRequestException, Body, Controller, Get, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RateLimiter, RateLimitError, StoreUnavailableError } from 'nestjs-redis-rate-limit';
import { asAnswer } from '../as-answer.js';
import { StoreHealth } from '../store-health.js';
import { BlockedCallers } from './blocked-callers.js';
import { DecisionCounts } from './decision-counts.js';
import { shownKey } from './shown-key.js';

const TRIED_OUT = 'search-tighter';
const MOST_CALLERS = 5;
const LONGEST_KEY = 256;

/**
 * What the limiter does, and what operators do about it. Everyone may call this here, because it is a demo. In your
 * application, allow it to operators only: keys identify people, and a blocked caller could unblock itself.
 */
@Controller('demo/watch')
@ApiExcludeController()
export class WatchController {
  constructor(
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(DecisionCounts) private readonly counts: DecisionCounts,
    @Inject(BlockedCallers) private readonly blocked: BlockedCallers,
    @Inject(StoreHealth) private readonly health: StoreHealth,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  async state() {
    const [blocked, mode] = await Promise.all([this.blocked.now, this.mode()]);
    return {
      instance: this.health.instance,
      policies: this.counts.all,
      deniedMost: this.deniedMost(),
      blocked,
      tighter: { mode },
    };
  }

  @Post('unblock')
  @HttpCode(204)
  async unblock(@Body() body: unknown) {
    await this.change(this.blocked.unblock(keyIn(body)));
  }

  @Post('reset')
  @HttpCode(204)
  async reset(@Body() body: unknown) {
    await this.change(this.blocked.reset(keyIn(body)));
  }

  /** Enforces the limit that is tried out, or puts it in shadow again, without a restart. */
  @Post('mode')
  @HttpCode(204)
  async setMode(@Body() body: unknown) {
    const { mode } = (body ?? {}) as { mode?: unknown };
    if (mode !== 'shadow' && mode !== 'enforce') throw new BadRequestException('mode must be "shadow" or "enforce".');
    await this.change(this.limiter.limits.set(TRIED_OUT, { mode }));
  }

  /** Of this instance, in the last minutes. */
  private deniedMost() {
    const all = this.counts.all
      .filter(({ denied, wouldDeny }) => denied + wouldDeny > 0)
      .flatMap(({ policy }) => this.topOf(policy).map(({ key, denials }) => ({ policy, key: shownKey(key), denials })));
    return all.sort((a, b) => b.denials - a.denials).slice(0, MOST_CALLERS);
  }

  private topOf(policy: string) {
    try {
      return this.limiter.top(policy, { most: MOST_CALLERS });
    } catch (error) {
      // top() knows a policy outside of the catalogue only after it has denied somebody.
      if (error instanceof RateLimitError && error.code === 'RL_UNKNOWN_POLICY') return [];
      throw error;
    }
  }

  /** `null`: unknown, because Redis is away. */
  private async mode() {
    try {
      return (await this.limiter.limits.get(TRIED_OUT)).mode;
    } catch (error) {
      if (error instanceof StoreUnavailableError) return null;
      throw error;
    }
  }

  private async change(made: Promise<unknown>): Promise<void> {
    try {
      await made;
    } catch (error) {
      throw asAnswer(error);
    }
  }
}

/** @throws BadRequestException */
function keyIn(body: unknown): string {
  const { key } = (body ?? {}) as { key?: unknown };
  if (typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY) return key;
  throw new BadRequestException(`key must be a text of 1 to ${LONGEST_KEY} characters.`);
}
