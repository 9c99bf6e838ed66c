import { Controller, Get, Header, Headers, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipRateLimit } from 'nestjs-redis-rate-limit';
import { indexPage } from './index-page.js';
import { readingPolicy } from './look/frame.js';

/** What there is to try from a shell. */
@Controller('endpoints')
@SkipRateLimit()
@ApiExcludeController()
export class IndexController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', readingPolicy)
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-store')
  index(@Headers('host') host?: string) {
    return indexPage(`http://${hostOf(host)}`);
  }
}

/** Where the page would be, had it not been switched off. */
@Controller()
@SkipRateLimit()
@ApiExcludeController()
export class HomeController {
  @Get()
  @Redirect('endpoints')
  home() {
    return;
  }
}

/**
 * The address the reader came by, so that the lines work when they are copied, behind a proxy or a published port
 * too. It ends up in the page, so anything that is not plainly an address is left out of it.
 */
const hostOf = (host = ''): string =>
  /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host) ? host : '127.0.0.1:3000';
