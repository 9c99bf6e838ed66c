/**
 * Rate limits in the OpenAPI document that `@nestjs/swagger` makes.
 *
 * @module nestjs-redis-rate-limit/openapi
 */
export { documentRateLimits } from './nest/openapi/document-rate-limits.js';
