// Keys come from callers of the application. Printed as they are, they could move the cursor, change the title of the
// terminal, forge a line, or hide text.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
const UNSAFE_UNIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Text of a command or an error: unsafe characters are written as escapes. */
export const harmless = (text: string): string => text.replace(UNSAFE_UNIT, escaped);

/** A key or a name: as it is, or in quotes as in JSON, if anything about it could be misread. */
export const named = (text: string): string =>
  text === '' || /["\\\s]/.test(text) || UNSAFE.test(text) || text === '-' ? json(text) : text;

/** JSON on one line, without characters that a terminal would obey. */
export const json = (value: unknown): string => JSON.stringify(value).replace(UNSAFE_UNIT, escaped);

function escaped(character: string): string {
  let units = '';
  for (let i = 0; i < character.length; i++) {
    units += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return units;
}
