import { Controller, HttpCode, Post } from '@nestjs/common';
import { RateLimit, type KeyResolver } from 'nestjs-redis-rate-limit';

/** The account that the caller tries. Guards run before pipes, so the body is checked here. */
const byAccount: KeyResolver = (context) => {
  const { body } = context.switchToHttp().getRequest<{ body?: { email?: unknown } }>();
  const email = body?.email;
  // Without an account this policy does not apply. The one by address still does.
  return typeof email === 'string' ? `account:${email.normalize('NFKC').trim().toLowerCase()}` : undefined;
};

@Controller('login')
export class LoginController {
  @Post()
  @HttpCode(200)
  @RateLimit(
    // For one caller that tries many accounts,
    { name: 'login-address', limit: 30, window: '15m', onStoreFailure: 'closed' },
    // and for many callers that try one account.
    { name: 'login-account', limit: 10, window: '15m', key: byAccount, onStoreFailure: 'closed' },
  )
  login() {
    return { ok: true };
  }
}
