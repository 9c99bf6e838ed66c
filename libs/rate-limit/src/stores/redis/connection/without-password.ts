/**
 * A text that was meant to say where Redis is, for messages. It may be malformed in any way, and hold a password
 * anywhere. Hidden are all behind `password=` or the like, all up to the last `@` but the scheme, behind it a path that
 * is not a number, and what stands in place of a port and is none.
 */
export function withoutPassword(text: string): string {
  const shown = text.replace(/((?:pass\w*|auth|secret|token)["']?\s*[=:]).*/is, '$1***');
  if (!shown.includes('@')) return shown.replace(NO_PORT, '$1***');
  return shown
    .replace(/^(["'\s]*[\w+.-]+:\/\/)?.*@/s, '$1***@')
    .replace(/(@[^/]*\/)(?!\d*["'\s]*(?:\?|$)).*/s, '$1***');
}

/** A colon behind a name, and then neither a port nor what a missing variable leaves behind. */
const NO_PORT =
  /^((?:["'\s]*[\w+.-]+:\/\/)?[^:/?#\s{"'[]*:)(?!\/)(?!(?:-?\d{0,5}|[\d.]+:\d{0,5}|NaN|undefined|null|\*\*\*)(?:[/?#"',\s]|$)).*/s;
