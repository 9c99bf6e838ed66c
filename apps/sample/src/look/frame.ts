/** Nothing may load or run on a page but the style and the pictures that this application serves. */
export const readingPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PLACES = { endpoints: 'Endpoints', openapi: 'OpenAPI', 'README.md': 'README', 'docs/README.md': 'Docs' };
export type Place = keyof typeof PLACES;

/**
 * What every page begins with: the name of the library, which leads to the playground, and where else to go.
 *
 * @param root the way from the page to the root, such as `../`: the application need not be at the root of its host
 */
export function masthead(root: string, here?: Place): string {
  const links = Object.entries(PLACES).map(
    ([path, name]) => `<a href="${root}${path}"${path === here ? ' aria-current="page"' : ''}>${name}</a>`,
  );
  return `<header class="masthead">
<a class="name" href="${root || './'}"><img src="${root}look/icon.svg" alt="" width="28" height="28">nestjs-redis-rate-limit</a>
<nav aria-label="Pages">${links.join('\n')}</nav>
</header>`;
}

/** A page to read. `title` and `main` are HTML. */
export const framed = (page: { root: string; here?: Place; title: string; className: string; main: string }): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · nestjs-redis-rate-limit</title>
<link rel="icon" href="${page.root}look/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${page.root}look/base.css">
<link rel="stylesheet" href="${page.root}look/reading.css">
</head>
<body>
${masthead(page.root, page.here)}
<main class="${page.className}">
${page.main}
</main>
</body>
</html>
`;
