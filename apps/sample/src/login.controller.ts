import { Body, Controller, HttpCode, Inject, Post, Req, UnauthorizedException } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { byIp, RateLimit, RateLimiter, type KeyResolver } from 'nestjs-redis-rate-limit';

const body = {
  type: 'object',
  required: ['name', 'password'],
  properties: { name: { type: 'string', example: 'alice' }, password: { type: 'string', example: 'wonderland' } },
};

/** Whom a request was counted under, for the handler to give back to. */
const payers = new WeakMap<object, string>();

const byAddress: KeyResolver = async (context, request, settings) => {
  const key = await byIp(context, request, settings);
  payers.set(request, String(key));
  return key;
};

/**
 * Counts wrong logins, by address; who has too many is blocked, longer each time. Each try is charged before the
 * password is looked at, so that many at once are not more than one after the other, and a right one is given back.
 *
 * Many addresses that try one account need a policy by account beside this one.
 */
@Controller('api/login')
export class LoginController {
  constructor(@Inject(RateLimiter) private readonly limiter: RateLimiter) {}

  @Post()
  @HttpCode(200)
  @RateLimit({ name: 'login', key: byAddress })
  @ApiBody({ schema: body })
  async login(@Req() request: object, @Body() body: unknown) {
    if (!isRight(body)) throw new UnauthorizedException('The name or the password is wrong.');
    const payer = payers.get(request);
    if (payer !== undefined) await this.limiter.consume('login', payer, { cost: -1 });
    return { welcome: 'alice' };
  }
}

/** Stands for a look at the hash that you keep of each password. */
function isRight(body: unknown): boolean {
  const { name, password } = (body ?? {}) as { name?: unknown; password?: unknown };
  return name === 'alice' && password === 'wonderland';
}
