import { Injectable } from '@nestjs/common';
import { RateLimiter, RateLimitExceededException } from 'nestjs-redis-rate-limit';

/** The tokens that most answers take. */
const ESTIMATE = 4_000;

@Injectable()
export class Answers {
  constructor(private readonly limiter: RateLimiter) {}

  async answer(user: string, ask: (signal: AbortSignal) => Promise<{ text: string; tokens: number }>): Promise<string> {
    // If `ask` fails, the estimate stays charged: the model may have used tokens.
    await using hold = await this.limiter.reserve('tokens', `user:${user}`, { cost: ESTIMATE, ttl: '2m' });
    if (!hold.allowed) throw new RateLimitExceededException(['tokens'], hold.decision.retryAfter);

    const { text, tokens } = await ask(hold.signal);
    // Without an answer of Redis it is tried again in the background. The answer to the user need not fail.
    await hold.settle(tokens).catch(() => undefined);
    return text;
  }
}
