import { ModulesContainer, type HttpAdapterHost } from '@nestjs/core';
import { RateLimitError } from '../../../core/errors.js';
import { RATE_LIMIT_BOUND, RATE_LIMIT_OPTIONS, RATE_LIMIT_SETTINGS } from '../../tokens.js';
import { moduleIn, type NestModule } from '../module-in.js';

/**
 * Checks how the application imports the module.
 *
 * @throws RateLimitError `RL_IMPORTED_TWICE`, `RL_IMPORTED_BARE`, `RL_IMPORTED_LATE`
 */
export function checkImports(modules: ModulesContainer, { httpAdapter }: HttpAdapterHost): void {
  const imported = [...modules.values()].filter(
    ({ metatype, providers }) => metatype.name === 'RateLimitModule' && providers.has(RATE_LIMIT_SETTINGS),
  );
  if (imported.length > 1) {
    throw new RateLimitError(
      'RL_IMPORTED_TWICE',
      `RateLimitModule is imported more than once${importersOf(imported, modules)}; import it only in the root module, with forRoot() or forRootAsync(): it is global, so no other module needs it`,
    );
  }
  const ours = moduleIn(modules);
  if (!ours) return;
  if (!ours.providers.has(RATE_LIMIT_OPTIONS)) {
    throw new RateLimitError(
      'RL_IMPORTED_BARE',
      'RateLimitModule is imported without options; import RateLimitModule.forRoot({ … }), or forRootAsync() with a factory',
    );
  }
  const isBound = ours.providers.get(RATE_LIMIT_BOUND)?.instance !== false;
  if (isBound && httpAdapter && !isReached(ours, modules)) {
    throw new RateLimitError(
      'RL_IMPORTED_LATE',
      'RateLimitModule is loaded lazily, after the routes were made, so its guard would run for none of them; ' +
        'import it in the root module, or set guard: false to use only RateLimiter',
    );
  }
}

/** The modules that import ours by their metadata, for the message. */
function importersOf(imported: readonly NestModule[], modules: ModulesContainer): string {
  const types = imported.map(({ metatype }) => metatype as unknown);
  const isOurs = (each: unknown): boolean =>
    types.includes(each) || types.includes((each as { module?: unknown } | undefined)?.module);
  const names = [...modules.values()]
    .filter(({ metatype }) => ((Reflect.getMetadata('imports', metatype) as unknown[] | undefined) ?? []).some(isOurs))
    .map(({ name }) => name);
  return names.length === 0 ? '' : `, by ${names.slice(0, 5).join(' and ')}`;
}

/** Whether the root module imports it, directly or through others. A lazily loaded module is not reached. */
function isReached(module: NestModule, modules: ModulesContainer): boolean {
  // Skips Nest's own internal module.
  const root = [...modules.values()].find(({ providers }) => !providers.has(ModulesContainer));
  const reached = new Set(root ? [root] : []);
  for (const each of reached) for (const next of each.imports) reached.add(next);
  return reached.has(module);
}
