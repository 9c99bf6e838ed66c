import { Controller, HttpCode, Post } from '@nestjs/common';
import { RateLimit, type KeyResolver } from 'nestjs-redis-rate-limit';

/** The account that somebody wants into. Guards run before pipes, so what the body holds is checked here. */
const byAccount: KeyResolver = (context) => {
  const { body } = context.switchToHttp().getRequest<{ body?: { email?: unknown } }>();
  const email = body?.email;
  // No account, no quota of one: the address pays all the same.
  return typeof email === 'string' ? `account:${email.normalize('NFKC').trim().toLowerCase()}` : undefined;
};

@Controller('login')
export class LoginController {
  @Post()
  @HttpCode(200)
  @RateLimit(
    // One caller who tries many accounts,
    { name: 'login-address', limit: 30, window: '15m', onStoreFailure: 'closed' },
    // and many callers who try one.
    { name: 'login-account', limit: 10, window: '15m', key: byAccount, onStoreFailure: 'closed' },
  )
  login() {
    return { ok: true };
  }
}
