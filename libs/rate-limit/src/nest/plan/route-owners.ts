import { RequestMethod, type Type } from '@nestjs/common';
import { keyDigest, LONGEST_PLAIN_KEY } from '../../stores/long-key.js';
import type { Handler } from './plan.js';

/**
 * What the quotas of a handler's own are filed under: `@shop:GET/cats/:id`, the application and what the handler's
 * decorators declare. That is the same in every instance and after every build: minifiers rename classes, and a change of
 * the imports reorders them. Never the url of a request, which has many spellings.
 *
 * @param modulePaths what `RouterModule` puts in front, in each of the modules that the controller stands in
 * @param application its name, where it must be told from others
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

/** `GET/cats/:id`, with host and version where they are declared; nothing for what is no HTTP handler. */
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

/** Paths of one spelling, whatever slashes they are declared with. */
export const joined = (...paths: readonly string[]): string =>
  `/${paths
    .flatMap((path) => path.split('/'))
    .filter((segment) => segment !== '')
    .join('/')}`;

/** What Nest's decorators take: one value or a list of them; hosts are patterns too, and a version may be a symbol. */
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
