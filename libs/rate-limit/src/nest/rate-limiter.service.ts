import { Injectable } from '@nestjs/common';
import { Limiter } from '../engine/limiter.js';

/**
 * The same quotas for code without a request: jobs, consumers, calls to others. A denial is an answer here, not an
 * exception. Keys are what the resolvers give: `user:42`, `ip:203.0.113.7`, or any other text.
 *
 * The module makes it, and closes it when the application shuts down.
 */
@Injectable()
export class RateLimiter extends Limiter {}
