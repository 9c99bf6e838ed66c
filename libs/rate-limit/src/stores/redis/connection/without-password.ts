/**
 * The text of an option that says where Redis is, for messages. It may be malformed in any way, and contain a password
 * anywhere. This hides:
 *
 * - everything after `password=` and the like;
 * - everything up to the last `@`, except the scheme;
 * - a path after the `@` that is not a number;
 * - text in place of a port that is not a number.
 */
export function withoutPassword(text: string): string {
  const shown = text.replace(/((?:pass\w*|auth|secret|token)["']?\s*[=:]).*/is, '$1***');
  if (!shown.includes('@')) return shown.replace(NO_PORT, '$1***');
  return shown
    .replace(/^(["'\s]*[\w+.-]+:\/\/)?.*@/s, '$1***@')
    .replace(/(@[^/]*\/)(?!\d*["'\s]*(?:\?|$)).*/s, '$1***');
}

/** A colon after a name that is followed by neither a port nor the text of a missing variable. */
const NO_PORT =
  /^((?:["'\s]*[\w+.-]+:\/\/)?[^:/?#\s{"'[]*:)(?!\/)(?!(?:-?\d{0,5}|[\d.]+:\d{0,5}|NaN|undefined|null|\*\*\*)(?:[/?#"',\s]|$)).*/s;
