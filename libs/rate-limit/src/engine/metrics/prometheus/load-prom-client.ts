import { RateLimitError } from '../../../core/errors.js';
import { exportsWith } from '../exports-with.js';
import type { PromClient } from './client.js';

const MISSING = 'prometheus is set, but the package prom-client cannot be loaded; run npm install prom-client';

/**
 * Loads prom-client. It is an optional peer dependency, so it is loaded only if it is used.
 *
 * @throws RateLimitError `RL_PROM_CLIENT_MISSING`
 */
export async function loadPromClient(): Promise<PromClient> {
  let module: object;
  try {
    // Inside `try`, so that bundlers accept that the package may be missing.
    module = await import('prom-client');
  } catch (error) {
    throw new RateLimitError('RL_PROM_CLIENT_MISSING', MISSING, { cause: error });
  }
  const client = exportsWith<PromClient>(module, ['Counter', 'Gauge', 'Histogram']);
  if (!client) throw new RateLimitError('RL_PROM_CLIENT_MISSING', MISSING);
  return client;
}
