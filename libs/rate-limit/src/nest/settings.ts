import { Logger } from '@nestjs/common';
import type { HeaderProfile } from '../headers/ratelimit-headers.js';
import { keySettings, type KeySettings } from './keys/key-settings.js';
import { proxyWatch } from './keys/proxy-watch.js';
import { listsOf, type Lists } from './lists/lists.js';
import { checkOptions, type RateLimitModuleOptions } from './options.js';

/** The options, checked and with their defaults. */
export interface RateLimitSettings {
  readonly options: RateLimitModuleOptions;
  readonly headers: HeaderProfile;
  readonly keys: KeySettings;
  /** The module's own. */
  readonly lists: Lists | undefined;
  readonly logger: Logger;
}

/** @throws RateLimitError */
export function settingsOf(options: RateLimitModuleOptions = {}): RateLimitSettings {
  checkOptions(options);
  const logger = new Logger('RateLimit');
  return {
    options,
    headers: options.headers ?? 'ietf',
    keys: keySettings(
      options.keys,
      proxyWatch((message) => logger.warn(message)),
    ),
    lists: listsOf(options),
    logger,
  };
}
