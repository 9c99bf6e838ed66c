import { BadRequestException, Body, Controller, Headers, HttpCode, Inject, Post, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RateLimiter, RateLimitExceededException, rateLimitHeaders } from 'nestjs-redis-rate-limit';
import type { Answer } from './answer.js';
import { asAnswer } from './as-answer.js';
import { demandOf, type Demand } from './playground-policy.js';
import { StoreHealth } from './store-health.js';

/** How many quotas the page may look at in one request. */
const MOST_AT_ONCE = 8;

/**
 * Requests under a policy that comes with them. Routes usually have their policy in a decorator; this one shows the same
 * in code: `RateLimiter` decides, `rateLimitHeaders` makes the header fields.
 */
@Controller('demo')
@ApiExcludeController()
export class PlaygroundController {
  constructor(
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(StoreHealth) private readonly health: StoreHealth,
  ) {}

  @Post('requests')
  @HttpCode(200)
  async request(
    @Headers('x-visitor') visitor: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) answer: Answer,
  ) {
    const { policy, key, cost } = demandOf(visitor, body);
    const decision = await this.limiter.consume(policy, key, { cost });
    const headers = {
      ...rateLimitHeaders([{ policy, cost, decision }]),
      'X-Decided-By': this.health.deciderOf(decision),
      'X-Instance': this.health.instance,
    };
    for (const [name, value] of Object.entries(headers)) answer.header(name, value);
    const { allowed, retryAfter, blockedFor = 0 } = decision;
    if (!allowed) throw new RateLimitExceededException([policy.name], retryAfter, blockedFor > 0);
    return decision;
  }

  @Post('peek')
  @HttpCode(200)
  peek(@Headers('x-visitor') visitor: string | undefined, @Body() body: unknown) {
    const demands = listOf(body).map((each) => demandOf(visitor, each));
    return Promise.all(demands.map(({ policy, key }) => this.limiter.peek(policy, key)));
  }

  @Post('reset')
  @HttpCode(204)
  reset(@Headers('x-visitor') visitor: string | undefined, @Body() body: unknown) {
    return this.change(visitor, body, ({ policy, key }) => this.limiter.reset(policy, key));
  }

  /** Blocks for as long as the first of the policy's blocks would be. */
  @Post('block')
  @HttpCode(204)
  block(@Headers('x-visitor') visitor: string | undefined, @Body() body: unknown) {
    return this.change(visitor, body, ({ policy, key }) =>
      this.limiter.block(policy, key, policy.blocks?.spans[0] ?? 0),
    );
  }

  @Post('unblock')
  @HttpCode(204)
  unblock(@Headers('x-visitor') visitor: string | undefined, @Body() body: unknown) {
    return this.change(visitor, body, ({ policy, key }) => this.limiter.unblock(policy, key));
  }

  private async change(visitor: string | undefined, body: unknown, one: (demand: Demand) => Promise<void>) {
    const demands = listOf(body).map((each) => demandOf(visitor, each));
    try {
      await Promise.all(demands.map(one));
    } catch (error) {
      throw asAnswer(error);
    }
  }
}

function listOf(body: unknown): unknown[] {
  if (Array.isArray(body) && body.length <= MOST_AT_ONCE) return body as unknown[];
  throw new BadRequestException(`The JSON body must be a list of at most ${MOST_AT_ONCE} quotas.`);
}
