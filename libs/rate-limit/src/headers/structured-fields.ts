/**
 * The little of RFC 9651 (Structured Field Values) that the rate limit fields need.
 * https://www.rfc-editor.org/rfc/rfc9651
 */

/** A String. Policy names hold nothing else than printable ASCII; definePolicy() sees to that. */
export const sfString = (text: string): string => `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;

/** An Integer: no more than 15 digits. */
export const sfInteger = (number: number): string => String(Math.min(number, 999_999_999_999_999));

/** A List, in its canonical form. */
export const sfList = (items: readonly string[]): string => items.join(', ');
