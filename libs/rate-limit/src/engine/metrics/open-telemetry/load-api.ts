import { RateLimitError } from '../../../core/errors.js';
import { exportsWith } from '../exports-with.js';
import type { OpenTelemetryApi } from './api.js';

const MISSING =
  'openTelemetry is set, but the package @opentelemetry/api cannot be loaded; run npm install @opentelemetry/api';

/**
 * Loads OpenTelemetry's API. It is an optional peer dependency, so it is loaded only if it is used.
 *
 * @throws RateLimitError `RL_OPENTELEMETRY_MISSING`
 */
export async function loadOpenTelemetry(): Promise<OpenTelemetryApi> {
  let module: object;
  try {
    // Inside `try`, so that bundlers accept that the package may be missing.
    module = await import('@opentelemetry/api');
  } catch (error) {
    throw new RateLimitError('RL_OPENTELEMETRY_MISSING', MISSING, { cause: error });
  }
  const api = exportsWith<OpenTelemetryApi>(module, ['trace', 'metrics', 'createNoopMeter']);
  if (!api) throw new RateLimitError('RL_OPENTELEMETRY_MISSING', MISSING);
  return api;
}
