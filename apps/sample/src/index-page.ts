import { algorithmNames } from 'nestjs-redis-rate-limit/engine';
import { framed } from './look/frame.js';

/** What there is to try, each with lines to copy. `base` must be safe to write into a page. */
export const indexPage = (base: string): string =>
  framed({
    root: '',
    here: 'endpoints',
    title: 'Endpoints',
    className: 'endpoints',
    main: `<h1>Endpoints to try from a shell</h1>
<p>Every answer of a limited endpoint says in <code>RateLimit</code> how much is left (<code>r</code>) and in how many
seconds more comes back (<code>t</code>). A denial is a 429 that says in <code>Retry-After</code> how long to wait.
A click on a line selects all of it.</p>
${endpoints.map((each) => card(each, base)).join('')}`,
  });

interface Endpoint {
  readonly endpoint: string;
  /** HTML. */
  readonly about: string;
  readonly lines: (base: string) => string[];
}

const card = ({ endpoint, about, lines }: Endpoint, base: string): string => `<section class="card">
<h2><code>${endpoint}</code></h2>
<p>${about}</p>
<pre>${lines(base)
  .map((line) => `<code>${line}</code>`)
  .join('')}</pre>
</section>
`;

const endpoints: readonly Endpoint[] = [
  {
    endpoint: 'GET /api/ping',
    about:
      '10 requests in 10 seconds for each address. <code>PING_LIMIT</code> and <code>PING_WINDOW</code> change that.',
    lines: (base) => [`for i in $(seq 12); do curl -si ${base}/api/ping; echo; done`],
  },
  {
    endpoint: 'GET /api/algorithms/:algorithm',
    about: '10 requests in 10 seconds for each <code>x-api-key</code>, judged by the algorithm in the path.',
    lines: (base) =>
      algorithmNames.map((algorithm) => `curl -i -H 'x-api-key: alice' ${base}/api/algorithms/${algorithm}`),
  },
  {
    endpoint: 'GET /api/report',
    about: '5 a second and 20 an hour for each <code>x-api-key</code>. A request pays for both or for neither.',
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
    endpoint: 'POST /api/chat',
    about:
      'The same 1000 tokens. A request reserves those of its prompt and <code>max_tokens</code>. The answer is a stream, ' +
      'and its last chunk says what it used: the rest is given back. A client that disconnects before gets nothing back.',
    lines: (base) => [
      `curl -iN -H 'x-tenant-id: acme' -H 'content-type: application/json' -d '{"prompt": "What is a quota?", "max_tokens": 300}' ${base}/api/chat`,
    ],
  },
  {
    endpoint: 'POST /api/upload',
    about:
      '2 uploads at a time for each <code>x-tenant-id</code>. An upload holds its slot until it is answered. One that ' +
      'finds no free slot is denied.',
    lines: (base) => [
      `for i in 1 2 3; do head -c 300000 /dev/zero | curl -si -H 'x-tenant-id: acme' -H 'content-type: application/octet-stream' --data-binary @- ${base}/api/upload &amp; done; wait`,
    ],
  },
  {
    endpoint: 'POST /api/login',
    about:
      '5 wrong logins a minute for each address. Then the address is blocked, even with the right password: first for ' +
      'a minute, then for ten, then for an hour. A right login costs nothing: the password is <code>wonderland</code>.',
    lines: (base) => [
      `for i in $(seq 6); do curl -si -H 'content-type: application/json' -d '{"name": "alice", "password": "guess"}' ${base}/api/login; echo; done`,
    ],
  },
  {
    endpoint: 'GET /api/weather',
    about:
      'The plan of the <code>x-api-key</code> sets the limit: 10 requests a minute, or 50. Without a key, an address ' +
      'gets 5. An unknown key gets a 401.',
    lines: (base) => [
      `curl -i ${base}/api/weather`,
      ...['free-key', 'pro-key'].map((key) => `curl -i -H 'x-api-key: ${key}' ${base}/api/weather`),
    ],
  },
  {
    endpoint: 'GET /api/feed',
    about:
      '5 requests a minute for each <code>x-api-key</code>. A key on the allow list is not limited, and one on the deny ' +
      'list gets a 403. <code>ALLOWED_API_KEYS</code> and <code>DENIED_API_KEYS</code> change the lists.',
    lines: (base) =>
      ['alice', 'partner-key', 'leaked-key'].map((key) => `curl -i -H 'x-api-key: ${key}' ${base}/api/feed`),
  },
  {
    endpoint: 'GET /api/search',
    about:
      '20 requests in 10 seconds for each <code>x-api-key</code>. A limit of 10 is tried out in shadow: it denies nobody, ' +
      'and what it would deny is counted at <code>/metrics</code>.',
    lines: (base) => [
      `for i in $(seq 25); do curl -si -H 'x-api-key: alice' ${base}/api/search; echo; done`,
      `curl -s ${base}/metrics | grep 'policy="search'`,
    ],
  },
  {
    endpoint: 'GET /api/trial',
    about:
      '5 requests a minute for each <code>x-api-key</code> after midnight (UTC). A job raises that by 5 every hour, up to ' +
      '50, while everything runs.',
    lines: (base) => [`curl -i -H 'x-api-key: alice' ${base}/api/trial`],
  },
  {
    endpoint: 'GET /api/minute',
    about:
      '10 requests a minute for each <code>x-api-key</code>. The quota is full again at the next full minute, for all ' +
      'callers at once.',
    lines: (base) => [`for i in $(seq 12); do curl -si -H 'x-api-key: alice' ${base}/api/minute; echo; done`],
  },
  {
    endpoint: 'GET /api/export',
    about:
      '100 or 1000 a month, by the subscription of the <code>x-api-key</code>. The month begins on the day they ' +
      'subscribed, in their time zone. Without a key, an address gets 10. An unknown key gets a 401.',
    lines: (base) => ['free-key', 'pro-key'].map((key) => `curl -i -H 'x-api-key: ${key}' ${base}/api/export`),
  },
  {
    endpoint: 'GET /api/free',
    about: 'Not limited.',
    lines: (base) => [`curl -i ${base}/api/free`],
  },
  {
    endpoint: 'GET /health',
    about:
      'Not limited. Says where quotas are kept and who decides. While Redis is away it is degraded, and still a 200.',
    lines: (base) => [`curl -i ${base}/health`],
  },
  {
    endpoint: 'GET /metrics',
    about: 'Not limited. For Prometheus. Metrics never name a caller.',
    lines: (base) => [`curl -s ${base}/metrics`],
  },
];
