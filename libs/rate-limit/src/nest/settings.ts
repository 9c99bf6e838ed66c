import { Logger } from '@nestjs/common';
import { listsOf, type Lists } from '../engine/lists/lists.js';
import type { HeaderProfile } from '../headers/ratelimit-headers.js';
import { checkOptions, readOptions } from './check-options.js';
import { keySettings, type KeySettings } from './keys/key-settings.js';
import type { RateLimitModuleOptions } from './options.js';
import { listeningOf, type Listening } from '../engine/observer/listening.js';
import { listListenerOf, type ListListener } from '../engine/observer/list-listener.js';
import { harmless, type LimiterLogger } from '../engine/observer/logger.js';
import type { ObserverSource } from '../engine/observer/observer-source.js';
import { oncePerKind, type WarnOnce } from '../engine/warn-once.js';

/** An observer that Nest makes after the limiter. */
export interface LaterObserver extends ObserverSource {
  /** Lets it receive events, once it is made. */
  begin(): void;
}

/** The options, checked and with their defaults. */
export interface RateLimitSettings extends Listening {
  readonly options: RateLimitModuleOptions;
  /** Whether anything is limited. */
  readonly isEnabled: boolean;
  readonly headers: HeaderProfile;
  /** Whether header fields also report policies in shadow. */
  readonly showsShadow: boolean;
  readonly keys: KeySettings;
  /** The module's own lists. */
  readonly lists: Lists | undefined;
  /** The observers that modules provide. */
  readonly provided: readonly LaterObserver[];
  /** Called when a list decides about a request; `undefined` if no observer listens. */
  readonly listDecided: ListListener | undefined;
  readonly logger: LimiterLogger;
  /** Warns of each kind of problem once. */
  readonly warnOnce: WarnOnce;
}

/**
 * @param provided observers that are providers
 * @throws RateLimitError
 */
export function settingsOf(given: RateLimitModuleOptions, provided: readonly LaterObserver[] = []): RateLimitSettings {
  // Options of forRoot() were read before, so an error here is about a factory.
  const options = readOptions(given, 'the factory of forRootAsync() must return');
  checkOptions(options);
  const logger = harmless(new Logger('RateLimit'));
  const listening = listeningOf(options, logger, provided);
  return {
    ...listening,
    options,
    isEnabled: options.enabled !== false,
    headers: options.headers ?? 'ietf',
    showsShadow: options.shadowHeaders === true,
    keys: keySettings(options.keys, (message) => logger.warn(message)),
    lists: listsOf(options),
    provided,
    listDecided: listListenerOf(listening.observer),
    logger,
    warnOnce: oncePerKind((message) => logger.warn(message)),
  };
}
