import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type ApiHeaderOptions } from '@nestjs/swagger';
import type { ServerResponse } from 'node:http';

/** Headers that say who pays, for `@ApiHeader`. */
export const apiKey: ApiHeaderOptions = {
  name: 'x-api-key',
  description: 'Who pays. Without it, the address does.',
  example: 'alice',
};
export const tenantId: ApiHeaderOptions = { ...apiKey, name: 'x-tenant-id', example: 'acme' };

/**
 * Serves what there is as an OpenAPI document, /openapi.json, and as a page to try it on, /openapi. What its answers
 * say of limits, the library documents by itself.
 */
export function serveOpenApi(app: INestApplication): void {
  app.use('/openapi', (_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    next();
  });
  SwaggerModule.setup('openapi', app, () => documentOf(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Rate limits to try: OpenAPI',
    swaggerOptions: { validatorUrl: null, tryItOutEnabled: true, layout: 'BaseLayout' },
  });
}

function documentOf(app: INestApplication) {
  const about = new DocumentBuilder()
    .setTitle('Rate limits to try')
    .setDescription(
      'Every answer of a limited endpoint says in `RateLimit` how much is left (`r`) and in how many seconds more ' +
        'comes back (`t`). A refusal is a 429 that says in `Retry-After` how long to wait.',
    )
    .setVersion('1.0')
    .build();
  return SwaggerModule.createDocument(app, about);
}

/** The styles that @nestjs/swagger writes into its page, by their hashes: two elements, and a picture's attribute. */
const inlineStyles = [
  "'sha256-/jDKvbQ8cdux+c5epDIqkjHbXDaIY8RucT1PmAe8FG4='",
  "'sha256-eaPyLWVdqMc60xuz5bTp2yBRgVpQSoUggte1+40ONPU='",
  "'unsafe-hashes' 'sha256-ezdv1bOGcoOD7FKudKN0Y2Mb763O6qVtM8LT2mtanIU='",
];

/** Nothing may load or run on the page but what this application serves, and nobody else is asked. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${inlineStyles.join(' ')}`,
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
