import { Body, Controller, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import { RateLimit, type KeyResolver } from 'nestjs-redis-rate-limit';

/** The account that the caller tries. Guards run before pipes, so the body is checked here. */
const byAccount: KeyResolver = (context) => {
  const { body } = context.switchToHttp().getRequest<{ body?: { email?: unknown } }>();
  const email = body?.email;
  // Without an account this policy does not apply. The one by address still does.
  return typeof email === 'string' ? `account:${email.normalize('NFKC').trim().toLowerCase()}` : undefined;
};

/** Stands for what knows your users. */
export abstract class Passwords {
  abstract areRight(login: unknown): Promise<boolean>;
}

@Controller('login')
export class LoginController {
  constructor(private readonly passwords: Passwords) {}

  @Post()
  @HttpCode(200)
  @RateLimit(
    // For one caller that tries many accounts,
    { name: 'login-address', limit: 30, window: '15m', count: 'failures', onStoreFailure: 'closed' },
    // and for many callers that try one account.
    { name: 'login-account', limit: 10, window: '15m', count: 'failures', key: byAccount, onStoreFailure: 'closed' },
  )
  async login(@Body() login: unknown) {
    if (!(await this.passwords.areRight(login))) throw new UnauthorizedException();
    return { ok: true };
  }
}
