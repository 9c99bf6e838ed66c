import { RequestMethod, type Type } from '@nestjs/common';
import type { Handler } from '../plan/plan.js';
import type { Route } from '../plan/routes.js';
import type { DocumentedAnswers } from './documented-answers.js';

/** The metadata of a handler or a class that `@ApiResponse` writes and `@nestjs/swagger` 11 and 12 read. */
const API_RESPONSES = 'swagger/apiResponse';

/** Response Objects by status. */
type Responses = Readonly<Record<string, object>>;

/** Our metadata on a handler that we documented: its responses before that. */
const DECLARED = Symbol.for('nestjs-redis-rate-limit/declared-responses');

const responsesOf = (target: object): Responses | undefined =>
  Reflect.getMetadata(API_RESPONSES, target) as Responses | undefined;

/** What the handler's decorators declare, without what an earlier call added. */
export const declaredBy = (handler: Handler): Responses | undefined =>
  Reflect.hasMetadata(DECLARED, handler)
    ? (Reflect.getMetadata(DECLARED, handler) as Responses | undefined)
    : responsesOf(handler);

/** Writes a handler's responses, and keeps what it declares for the next call. */
export function write(handler: Handler, responses: Responses): void {
  Reflect.defineMetadata(DECLARED, declaredBy(handler), handler);
  Reflect.defineMetadata(API_RESPONSES, responses, handler);
}

/** Takes back what an earlier call wrote, perhaps for another application. */
export function restore(handler: Handler): void {
  if (!Reflect.hasMetadata(DECLARED, handler)) return;
  const declared = declaredBy(handler);
  if (declared) Reflect.defineMetadata(API_RESPONSES, declared, handler);
  else Reflect.deleteMetadata(API_RESPONSES, handler);
  Reflect.deleteMetadata(DECLARED, handler);
}

/**
 * The responses of a handler with our answers. A status or a header field that the handler or a class declares stays
 * as it is.
 *
 * @param routes those that the handler serves
 */
export function addedTo(
  declared: Responses | undefined,
  routes: readonly Route[],
  { fields, denial, shedding, refusal }: DocumentedAnswers,
): Responses {
  const own = declared ?? undeclared(routes[0]!);
  const ofClasses = routes.map(({ controller }) => responsesOf(controller) ?? {});
  const isFree = (status: string) => [own, ...ofClasses].every((responses) => !(status in responses));
  const hasFields = Object.keys(fields).length > 0;
  const responses: Record<string, object> = {};
  for (const [status, response] of Object.entries(own)) {
    const { headers } = response as { headers?: object };
    const succeeds = /^2/.test(status);
    responses[status] = hasFields && succeeds ? { ...response, headers: { ...fields, ...headers } } : response;
  }
  if (denial && isFree('429')) responses['429'] = denial;
  if (shedding && isFree('503')) responses['503'] = shedding;
  if (refusal && isFree('403')) responses['403'] = refusal;
  return responses;
}

/**
 * The response that `@nestjs/swagger` adds for a handler without declared responses: the status that Nest sends, with the
 * metadata of the package's compiler plugin. The package stops adding it once a response is written, so it is written too.
 */
function undeclared({ controller, name, handler }: Route): Responses {
  const sent = Reflect.getMetadata('__httpCode__', handler) as number | undefined;
  const isPost = Reflect.getMetadata('method', handler) === RequestMethod.POST;
  const { status = sent ?? (isPost ? 201 : 200), ...found } = foundByPlugin(controller, name);
  return { [status]: { description: '', ...found } };
}

interface FoundByPlugin {
  readonly status?: number;
  readonly type?: unknown;
  readonly isArray?: boolean;
}

/** The part of the plugin's metadata that `@nestjs/swagger` uses for the response. */
function foundByPlugin(controller: Type, name: string): FoundByPlugin {
  const { _OPENAPI_METADATA_FACTORY: factory } = controller as Type & {
    _OPENAPI_METADATA_FACTORY?: () => Readonly<Record<string, object>>;
  };
  const { summary, deprecated, tags, ...found } = (factory?.()[name] ?? {}) as FoundByPlugin & Record<string, unknown>;
  if (!Array.isArray(found.type) || found.isArray) return found;
  return { ...found, type: found.type[0] as unknown, isArray: true };
}
