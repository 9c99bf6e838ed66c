import { Body, Controller, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';

const body = {
  type: 'object',
  required: ['name', 'password'],
  properties: { name: { type: 'string', example: 'alice' }, password: { type: 'string', example: 'wonderland' } },
};

@Controller('api/login')
export class LoginController {
  /** Only wrong logins count, by address. An account that many addresses try needs a policy by account beside this. */
  @Post()
  @HttpCode(200)
  @RateLimit('login')
  @ApiBody({ schema: body })
  login(@Body() body: unknown) {
    if (!isRight(body)) throw new UnauthorizedException('The name or the password is wrong.');
    return { welcome: 'alice' };
  }
}

/** Stands for a look at the hash that you keep of each password. */
function isRight(body: unknown): boolean {
  const { name, password } = (body ?? {}) as { name?: unknown; password?: unknown };
  return name === 'alice' && password === 'wonderland';
}
