import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type ApiHeaderOptions } from '@nestjs/swagger';
import { documentRateLimits } from 'nestjs-redis-rate-limit/openapi';
import type { ServerResponse } from 'node:http';

/** Headers that say whose quota a request uses, for `@ApiHeader`. */
export const apiKey: ApiHeaderOptions = {
  name: 'x-api-key',
  description: 'Whose quota the request uses. Without it, that of the address.',
  example: 'alice',
};
export const tenantId: ApiHeaderOptions = { ...apiKey, name: 'x-tenant-id', example: 'acme' };

/** Serves the OpenAPI document of the application, /openapi.json, and a page to try its endpoints on, /openapi. */
export function serveOpenApi(app: INestApplication): void {
  app.use('/openapi', (_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    next();
  });
  SwaggerModule.setup('openapi', app, () => documentOf(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'OpenAPI · nestjs-redis-rate-limit',
    customCssUrl: 'look/openapi.css',
    customJs: 'look/openapi.js',
    swaggerOptions: { validatorUrl: null, tryItOutEnabled: true, layout: 'BaseLayout' },
  });
}

function documentOf(app: INestApplication) {
  const about = new DocumentBuilder()
    .setTitle('nestjs-redis-rate-limit: the sample')
    .setDescription(
      'Every answer of a limited endpoint says in `RateLimit` how much is left (`r`) and in how many seconds more ' +
        'comes back (`t`). A denial is a 429 that says in `Retry-After` how long to wait.\n\n' +
        '[Playground](./) · [Endpoints](endpoints) · [README](README.md) · [Docs](docs/README.md)',
    )
    .setVersion('1.0')
    .build();
  // The document is made at the first request for it, when the application has all of its guards.
  documentRateLimits(app);
  return SwaggerModule.createDocument(app, about);
}

/** Hashes of the styles that @nestjs/swagger writes into its page: two elements, and the attribute of a picture. */
const inlineStyles = [
  "'sha256-/jDKvbQ8cdux+c5epDIqkjHbXDaIY8RucT1PmAe8FG4='",
  "'sha256-eaPyLWVdqMc60xuz5bTp2yBRgVpQSoUggte1+40ONPU='",
  "'unsafe-hashes' 'sha256-ezdv1bOGcoOD7FKudKN0Y2Mb763O6qVtM8LT2mtanIU='",
];

/** The page may load and run only what this application serves. */
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
