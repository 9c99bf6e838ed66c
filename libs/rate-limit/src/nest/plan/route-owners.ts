import { RequestMethod, type Type } from '@nestjs/common';
import { keyDigest, LONGEST_PLAIN_KEY } from '../../stores/long-key.js';
import type { Handler } from './plan.js';

/**
 * What a handler's own quotas are filed under: `@shop:GET/cats/:id`, the application and what the handler's decorators
 * declare. This is the same in every instance and after every build. Class names are not, because minifiers change
 * them, and neither is the order of imports. The url of a request is never used, because it has many spellings.
 *
 * @param modulePaths the paths of `RouterModule` for the modules that have the controller
 * @param application the application's name, if its quotas must be separate from other applications
 */
export function ownerOf(
  controller: Type,
  name: string,
  handler: Handler,
  modulePaths: readonly string[],
  application: string | undefined,
): string {
  const address = addressOf(controller, handler, modulePaths) ?? plain(`${controller.name}.${name}`);
  const where = address.length > LONGEST_PLAIN_KEY ? keyDigest(address) : address;
  return application === undefined ? `@${where}` : `@${plain(application)}:${where}`;
}

/** `GET/cats/:id`, with host and version if they are declared; `undefined` for methods that are not HTTP handlers. */
function addressOf(controller: Type, handler: Handler, modulePaths: readonly string[]): string | undefined {
  const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
  if (method === undefined || !Reflect.hasMetadata('path', handler)) return undefined;
  const paths = modulePaths.flatMap((modulePath) =>
    textsOf('path', controller).flatMap((front) =>
      textsOf('path', handler).map((back) => joined(modulePath, front, back)),
    ),
  );
  const own = textsOf('__version__', handler);
  const version = own.length > 0 ? own : textsOf('__version__', controller);
  const host = textsOf('host', controller);
  return [
    `${RequestMethod[method]}${sorted(paths)}`,
    ...(version.length > 0 ? [`;v=${sorted(version)}`] : []),
    ...(host.length > 0 ? [`;host=${sorted(host)}`] : []),
  ].join('');
}

/** Joins paths into one spelling, whatever slashes they are declared with. */
export const joined = (...paths: readonly string[]): string =>
  `/${paths
    .flatMap((path) => path.split('/'))
    .filter((segment) => segment !== '')
    .join('/')}`;

/** Reads metadata of Nest's decorators: one value or a list. A host may be a pattern, and a version a symbol. */
function textsOf(key: string, target: object): string[] {
  const value: unknown = Reflect.getMetadata(key, target);
  return value === undefined ? [] : [value].flat().map(String);
}

const sorted = (texts: readonly string[]): string => [...new Set(texts)].sort().map(plain).join(',');

/** Printable, and without what stands between parts: `#` stands before the second quota of a handler. */
const plain = (text: string): string =>
  Array.from(text, (character) =>
    /[!-~]/.test(character) && !/[#%,;]/.test(character) ? character : escaped(character),
  ).join('');

const escaped = (character: string): string => `%${character.codePointAt(0)!.toString(16)};`;
