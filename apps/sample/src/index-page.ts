import { createHash } from 'node:crypto';
import { algorithmNames } from 'nestjs-redis-rate-limit/engine';

const style =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}' +
  'pre{background:light-dark(#f4f4f4,#24262e);padding:.75rem;overflow-x:auto}';

/** Nothing may load or run on the page but this one style, known by its hash. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What there is to try, each with a line to copy. `base` must be safe to write into a page. */
export const indexPage = (base: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rate limits to try</title>
<style>${style}</style>
</head>
<body>
<h1>Rate limits to try</h1>
<p>Every answer of a limited endpoint says in <code>RateLimit</code> how much is left (<code>r</code>) and in how many
seconds more comes back (<code>t</code>). A refusal is a 429 that says in <code>Retry-After</code> how long to wait.</p>
<dl>${endpoints
  .map(
    ({ endpoint, about, lines }) => `
<dt><code>${endpoint}</code></dt>
<dd><p>${about}</p>
<pre><code>${lines(base).join('\n')}</code></pre></dd>`,
  )
  .join('')}
</dl>
</body>
</html>
`;

const endpoints: { endpoint: string; about: string; lines: (base: string) => string[] }[] = [
  {
    endpoint: 'GET /api/ping',
    about: '10 requests in 10 seconds for each address, unless PING_LIMIT and PING_WINDOW say otherwise.',
    lines: (base) => [`for i in $(seq 12); do curl -si ${base}/api/ping; echo; done`],
  },
  {
    endpoint: 'GET /api/algorithms/:algorithm',
    about: 'The same 10 in 10 seconds, for each <code>x-api-key</code>, judged by the algorithm you name.',
    lines: (base) =>
      algorithmNames.map((algorithm) => `curl -i -H 'x-api-key: alice' ${base}/api/algorithms/${algorithm}`),
  },
  {
    endpoint: 'GET /api/report',
    about:
      '5 in a second and 20 in an hour together, for each <code>x-api-key</code>. What the one refuses, the other does not charge.',
    lines: (base) => [`for i in $(seq 7); do curl -si -H 'x-api-key: alice' ${base}/api/report; echo; done`],
  },
  {
    endpoint: 'POST /api/generate',
    about: '1000 tokens a minute for each <code>x-tenant-id</code>. A request costs the tokens it asks for.',
    lines: (base) => [
      `curl -i -H 'x-tenant-id: acme' -H 'content-type: application/json' -d '{"tokens": 400}' ${base}/api/generate`,
    ],
  },
  {
    endpoint: 'POST /api/login',
    about:
      '5 wrong logins in a minute for each address. The next try, right or wrong, begins a block: of a minute, the ' +
      'next time of ten, then of an hour. A right one costs nothing: <code>wonderland</code> is the password.',
    lines: (base) => [
      `for i in $(seq 6); do curl -si -H 'content-type: application/json' -d '{"name": "alice", "password": "guess"}' ${base}/api/login; echo; done`,
    ],
  },
  {
    endpoint: 'GET /api/weather',
    about:
      'By plan, which is looked up for each <code>x-api-key</code>: 10 requests a minute or 50. Without a key 5, by ' +
      'address; a key that nobody has is a 401.',
    lines: (base) => [
      `curl -i ${base}/api/weather`,
      ...['free-key', 'pro-key'].map((key) => `curl -i -H 'x-api-key: ${key}' ${base}/api/weather`),
    ],
  },
  {
    endpoint: 'GET /api/feed',
    about:
      '5 requests a minute for each <code>x-api-key</code>. One key is on the allow list and is not counted, one is on ' +
      'the deny list and gets a 403, unless ALLOWED_API_KEYS and DENIED_API_KEYS name others.',
    lines: (base) =>
      ['alice', 'partner-key', 'leaked-key'].map((key) => `curl -i -H 'x-api-key: ${key}' ${base}/api/feed`),
  },
  {
    endpoint: 'GET /api/trial',
    about:
      '5 requests a minute for each <code>x-api-key</code> at midnight (UTC), and 5 more with each hour, up to 50: a job ' +
      'changes the limit while everything runs.',
    lines: (base) => [`curl -i -H 'x-api-key: alice' ${base}/api/trial`],
  },
  {
    endpoint: 'GET /api/free',
    about: 'Not limited.',
    lines: (base) => [`curl -i ${base}/api/free`],
  },
  {
    endpoint: 'GET /health',
    about: 'Not limited. Says where quotas are kept.',
    lines: (base) => [`curl -i ${base}/health`],
  },
];
