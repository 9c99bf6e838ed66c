/**
 * The parts of RFC 9651 (Structured Field Values) that the rate limit fields need.
 * https://www.rfc-editor.org/rfc/rfc9651
 */

/** A String. definePolicy() makes sure that policy names are printable ASCII. */
export const sfString = (text: string): string => `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;

/** An Integer has at most 15 digits. */
export const sfInteger = (number: number): string => String(Math.min(number, 999_999_999_999_999));

/** A List, in its canonical form. */
export const sfList = (items: readonly string[]): string => items.join(', ');
