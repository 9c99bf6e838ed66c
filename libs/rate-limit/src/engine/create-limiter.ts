import { refuseBareNumbers } from '../core/bare-numbers.js';
import { checkKnownKeys } from '../core/checks.js';
import { DEFINING } from '../core/policy.js';
import { LivePolicy } from './limits/live-policy.js';
import { LIST_KEYS, listsOf } from './lists/lists.js';
import { Catalogue, type CataloguePolicy } from './catalogue.js';
import { checkLimiterOptions } from './check-options.js';
import { KnownKeys } from './identity/known-keys.js';
import { Limiter } from './limiter.js';
import { listeningOf } from './observer/listening.js';
import { harmless, type LimiterLogger } from './observer/logger.js';
import { openLimiter } from './open-limiter.js';
import { abilitiesOf, checkAbilities, type StoreAbilities } from './store-abilities.js';
import type { LimiterConcurrency, LimiterOptions, LimiterPolicy } from './options.js';
import { withMode } from './with-mode.js';
import { PolicyVariants } from './policy-variants.js';

/**
 * Opens a limiter: the store, the catalogue of policies, limits that change at run time, and lists.
 *
 * Without its Redis it opens all the same, after three seconds at the latest: each policy then does as its
 * `onStoreFailure` says. Close it when you are done, or its connection keeps the process alive.
 *
 * @throws RateLimitError for options that are wrong; each names the option, the value and the fix
 *
 * @example
 * ```ts
 * const limiter = await createLimiter({
 *   redis: 'redis://localhost:6379',
 *   policies: { mail: { limit: 100, window: '1h' } },
 * });
 * const { allowed, retryAfter } = await limiter.consume('mail', 'tenant:acme');
 * await limiter.close();
 * ```
 */
export async function createLimiter(options: LimiterOptions): Promise<Limiter> {
  checkLimiterOptions(options);
  const abilities = abilitiesOf(options);
  const catalogue = new Catalogue<NamedPolicy, CataloguePolicy>(
    options.policies,
    (policy) => compiled(withMode(policy, options.mode), abilities),
    LIST_KEYS as (keyof NamedPolicy)[],
  );
  const logger = harmless(options.logger ?? consoleLogger);
  const keys = new KnownKeys(options.keys?.ipv6Prefix, (message) => logger.warn(message));
  const lists = listsOf(options);
  const listening = listeningOf(options, logger);
  return new Limiter(await openLimiter(options, { catalogue, keys, lists, listening, logger }));
}

const POLICY_KEYS = ['name', ...DEFINING, ...LIST_KEYS];

type NamedPolicy = (LimiterConcurrency | LimiterPolicy) & { name?: string };

/** @throws RateLimitError */
function compiled(options: NamedPolicy, abilities: StoreAbilities): CataloguePolicy {
  checkKnownKeys(options, POLICY_KEYS, 'a policy');
  refuseBareNumbers(options);
  const { allow, deny, ...definition } = options;
  const source = new LivePolicy(new PolicyVariants(definition as NamedPolicy & { name: string }));
  checkAbilities(source.own, abilities);
  const { name } = source.own;
  return { name, source, lists: listsOf({ allow, deny }, undefined, `${name}: `) };
}

const consoleLogger: LimiterLogger = {
  log: () => undefined,
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
};
