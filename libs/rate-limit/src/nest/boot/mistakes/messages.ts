import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { few } from '../../../core/shown.js';
import { classesOf, methodsOf } from '../../plan/classes.js';
import { askedByClass, askedByMethod } from '../../plan/plan.js';
import type { RateLimitSettings } from '../../settings.js';
import type { HandlerPlace } from '../../transports/transport.js';
import { isHandler } from '../../transports/transports.js';

/** Methods that do not handle requests, by the metadata of Nest's decorators. */
const KINDS: readonly (readonly [string, string])[] = [
  ['microservices:handler_type', 'handles messages, not HTTP requests'],
  ['websockets:message_mapping', 'handles messages of a WebSocket, not HTTP requests'],
];

/** What a method handles in place of HTTP requests; `undefined` if it handles no messages. */
export const messageKindOf = (method: object): string | undefined =>
  KINDS.find(([key]) => Reflect.hasMetadata(key, method))?.[1];

const MOST_NAMED = 10;

/** Warns about handlers of messages that a limit seems to govern: messages are not limited. */
export function warnOfMessages(discovery: DiscoveryService, { options, logger }: RateLimitSettings): void {
  const handlers = messageHandlersUnderLimits(discovery, Boolean(options.default?.length));
  if (handlers.length === 0) return;
  logger.warn(
    `@RateLimit and default policies do not limit messages, so these handlers are not limited: ${few(handlers, MOST_NAMED)}. Limit them in code, with RateLimiter.consume().`,
  );
}

const PLACES: readonly HandlerPlace[] = ['controllers', 'providers'];

/**
 * Handlers of messages that a limit seems to govern: a `@RateLimit` of their controller, or of a method that also handles
 * requests; or a default policy.
 */
function messageHandlersUnderLimits(discovery: DiscoveryService, hasDefaults: boolean): string[] {
  const { controllers, providers } = classesOf(discovery);
  const found = [...controllers, ...(hasDefaults ? providers : [])].flatMap(({ metatype }) => {
    const type = metatype as Type;
    const isLimited = hasDefaults || askedByClass(type).requested.length > 0;
    return methodsOf(type)
      .filter(([, method]) => messageKindOf(method) !== undefined && !isOfOtherTransport(method))
      .filter(([name, method]) => isLimited || askedByMethod(type, name, method).requested.length > 0)
      .map(([name]) => `${type.name}.${name}`);
  });
  return [...new Set(found)];
}

/** Whether a transport other than HTTP limits its calls. */
const isOfOtherTransport = (method: object): boolean =>
  PLACES.some((place) => isHandler(method, place)) && !Reflect.hasMetadata('path', method);
