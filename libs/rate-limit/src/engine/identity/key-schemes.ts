/**
 * What keys begin with, without the colon: `user` of `user:42`, `header.x-region` of what `byHeader` gives. Keys of
 * `byAll` have one for each part: `tenant+user`. `undefined`: the keys may be any text.
 */
export type Schemes = readonly string[] | undefined;

/** `::1` has none. */
const SCHEME = /^([a-z][\w.-]*):(?!:)/i;

/** The scheme of a key. If the key has several parts: that of the first. */
export const schemeOf = (key: string): string | undefined => SCHEME.exec(key)?.[1];

/** Whether a key has one of these schemes. */
export function isUnder(schemes: readonly string[], key: string): boolean {
  for (const scheme of schemes) {
    if (key.startsWith(scheme) && key.charCodeAt(scheme.length) === COLON) return true;
    if (scheme.includes('+') && isCombined(scheme.split('+'), key.split('+'))) return true;
  }
  return false;
}

const isCombined = (schemes: readonly string[], parts: readonly string[]): boolean =>
  schemes.length === parts.length && schemes.every((scheme, i) => parts[i]!.startsWith(`${scheme}:`));

const COLON = 58;

/** The schemes of keys that may be of any of these kinds. */
export const eitherOf = (all: readonly Schemes[]): Schemes =>
  all.length > 0 && all.every((each) => each !== undefined) ? [...new Set(all.flat())] : undefined;

/** If resolvers combine in more ways than this, their schemes are not kept, and any text is taken for a key. */
const MOST_COMBINED = 64;

/** The schemes of keys that combine one key of each kind. */
export function combinedOf(all: readonly Schemes[]): Schemes {
  const [first, ...others] = all;
  let combined = first;
  for (const each of others) {
    if (!combined || !each || combined.length * each.length > MOST_COMBINED) return undefined;
    combined = combined.flatMap((before) => each.map((scheme) => `${before}+${scheme}`));
  }
  return combined;
}
