import { RateLimitError } from '../../core/errors.js';
import { shown } from '../../core/shown.js';
import { byHeader } from './by-identity.js';
import { byAll, byFirst } from './combined.js';
import { CalledByMistake } from './key-resolver.js';

/** These functions make resolvers. Used as resolvers, they would return no key. */
const MAKERS = new Map<unknown, string>([
  [byHeader, "byHeader itself; call it, as in byHeader('x-tenant')"],
  [byAll, 'byAll itself; call it, as in byAll(byIp, byUser)'],
  [byFirst, 'byFirst itself; call it, as in byFirst(byApiKey, byIp)'],
]);

/** @throws RateLimitError `RL_OPTION_INVALID` */
export function checkResolver(key: unknown, what: string): void {
  const maker = MAKERS.get(key);
  if (maker) throw new RateLimitError('RL_OPTION_INVALID', `${what} is ${maker}`);
  if (key instanceof CalledByMistake) {
    const { name } = key;
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `${what}: ${name} is a resolver already; write ${name}, not ${name}()`,
    );
  }
  if (typeof key === 'function') return;
  if (Array.isArray(key)) {
    throw new RateLimitError(
      'RL_OPTION_INVALID',
      `${what} is a list; use byFirst() or byAll(), as in byFirst(byApiKey, byUser)`,
    );
  }
  throw new RateLimitError(
    'RL_OPTION_INVALID',
    `${what} must be a resolver such as byIp or byUser, or a function of the request, got ${shown(key)}`,
  );
}
