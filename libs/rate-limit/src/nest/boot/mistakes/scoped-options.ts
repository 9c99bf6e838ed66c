import type { ModulesContainer } from '@nestjs/core';
import { RateLimitError } from '../../../core/errors.js';
import { oneLine } from '../../../core/shown.js';
import type { Wrapper } from '../../plan/classes.js';
import { RATE_LIMIT_OPTIONS } from '../../tokens.js';
import { dependenciesOf } from './dependencies.js';
import { moduleIn } from '../module-in.js';

/**
 * Refuses options that Nest makes for each request. Everything that depends on them would be request-scoped too, so no
 * guard would be bound and nothing limited.
 *
 * @throws RateLimitError `RL_OPTIONS_SCOPED`
 */
export function refuseScopedOptions(modules: ModulesContainer): void {
  const options = moduleIn(modules)?.providers.get(RATE_LIMIT_OPTIONS);
  if (!options || options.isDependencyTreeStatic()) return;
  const [injected = 'something', ...further] = causeOf(options);
  const because = further.length > 0 ? `, which needs ${further.join(', which needs ')}` : '';
  throw new RateLimitError(
    'RL_OPTIONS_SCOPED',
    `forRootAsync() injects ${injected}${because}, which is request-scoped, but options are made once, when the ` +
      'application starts; inject providers that are not request-scoped. For values that depend on the request, use ' +
      'functions: limit, cost, skip, key or resolve of a policy',
  );
}

/** The names from a provider down to the request-scoped one. */
function causeOf(provider: Wrapper): string[] {
  const names: string[] = [];
  const seen = new Set<Wrapper>();
  for (let next: Wrapper | undefined = dependencyOf(provider); next && !seen.has(next); next = dependencyOf(next)) {
    seen.add(next);
    names.push(oneLine(String(next.name)));
  }
  return names;
}

const dependencyOf = (provider: Wrapper): Wrapper | undefined =>
  dependenciesOf(provider).find((each) => !each.isDependencyTreeStatic());
