import { Injectable } from '@nestjs/common';
import { RateLimiter, RateLimitExceededException } from 'nestjs-redis-rate-limit';

/** The most tokens that an answer may take: what you pass to the model as its limit. */
export const MOST = 4_000;

@Injectable()
export class Answers {
  constructor(private readonly limiter: RateLimiter) {}

  async answer(user: string, ask: (most: number) => Promise<{ text: string; tokens: number }>): Promise<string> {
    const key = `user:${user}`;
    const { allowed, retryAfter } = await this.limiter.consume('tokens', key, { cost: MOST });
    if (!allowed) throw new RateLimitExceededException(['tokens'], retryAfter);

    let spent = 0;
    try {
      const { text, tokens } = await ask(MOST);
      spent = tokens;
      return text;
    } finally {
      // A give-back that gets no answer leaves the caller charged for more than they used.
      await this.limiter.consume('tokens', key, { cost: Math.min(0, spent - MOST) }).catch(() => undefined);
    }
  }
}
