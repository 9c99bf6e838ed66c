import { Body, Controller, HttpCode, Inject, Ip, Post, UnauthorizedException } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { ipKey, RateLimit, RateLimiter } from 'nestjs-redis-rate-limit';

const body = {
  type: 'object',
  required: ['name', 'password'],
  properties: { name: { type: 'string', example: 'alice' }, password: { type: 'string', example: 'wonderland' } },
};

/**
 * Counts wrong logins, by address. Callers with too many are blocked, longer each time. Each try is charged before the
 * password is checked, so many at once are not more than one after the other. A right one is given back.
 *
 * Many addresses that try one account need a policy by account beside this one.
 */
@Controller('api/login')
export class LoginController {
  constructor(@Inject(RateLimiter) private readonly limiter: RateLimiter) {}

  @Post()
  @HttpCode(200)
  @RateLimit('login')
  @ApiBody({ schema: body })
  async login(@Ip() ip: string, @Body() body: unknown) {
    if (!isRight(body)) throw new UnauthorizedException('The name or the password is wrong.');
    await this.limiter.consume('login', ipKey(ip), { cost: -1 });
    return { welcome: 'alice' };
  }
}

/** Stands for a look at the hash that you keep of each password. */
function isRight(body: unknown): boolean {
  const { name, password } = (body ?? {}) as { name?: unknown; password?: unknown };
  return name === 'alice' && password === 'wonderland';
}
