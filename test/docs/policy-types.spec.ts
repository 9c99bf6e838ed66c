import { read } from './pages.js';
import { compile } from './typescript.js';

/** In milliseconds. The compiler takes seconds, more of them on a busy machine. */
const COMPILING = 120_000;

/** A block of a page: its kind, and its code. */
type Written = readonly [kind: string, code: string];

/** What TypeScript says about blocks that each stand on a page of its own. */
function told(all: readonly Written[]): string[] {
  const blocks = all.map(([kind, code], i) => read(`page-${i}.md`, '```ts ' + `${kind}\n${code}\n` + '```').blocks[0]!);
  return [...compile(blocks).values()].map((complaints) => complaints.join('\n'));
}

const onRoute = (policy: string): Written => ['handler', `@RateLimit(${policy}) find() {}`];
const inCatalogue = (policy: string): Written => ['options', `policies: { a: ${policy} },`];
const byDefault = (policy: string): Written => ['options', `default: [${policy}],`];
const ofLimiter = (policy: string): Written => [
  'body',
  `const { createLimiter } = await import('nestjs-redis-rate-limit/engine');
  await createLimiter({ policies: { a: ${policy} } });`,
];
const inCode = (call: string): Written => ['body', call];

const missing = (option: string) => new RegExp(`Property '${option}' is missing in type `);
const unknown = (option: string) => new RegExp(`'${option}' does not exist in type `);
const notAny = / is not assignable to (parameter of )?type 'AnyPolicy'/;
const meant = (algorithm: string) => new RegExp(`Did you mean '"${algorithm}"'`);

/** What a policy with a window may have, and one of concurrency may not. */
const ofWindows = ["window: '1m'", 'burst: 5', "blockFor: '1m'", 'debt: 1'];
const ofCosts = ['cost: 1', "count: 'failures'", 'settle: () => 1'];

describe('what TypeScript says about a mistake in a policy', () => {
  it(
    'names the option, and the one that is meant',
    () => {
      const slots = "algorithm: 'concurrency', limit: 5, lease: '30s'";
      const refused = (policy: (text: string) => Written, options: readonly string[]) =>
        options.map((option): [Written, RegExp] => [policy(`{ ${slots}, ${option} }`), unknown(option.split(':')[0]!)]);
      const mistakes: [Written, RegExp][] = [
        [onRoute('{ limit: 5 }'), missing('window')],
        [onRoute("{ limit: 5, algorithm: 'gcra', count: 'failures' }"), missing('window')],
        [inCatalogue('{ limit: 5 }'), missing('window')],
        [byDefault('{ limit: 5 }'), missing('window')],
        [ofLimiter('{ limit: 5 }'), missing('window')],
        [inCode("definePolicy({ name: 'a', limit: 5 });"), missing('window')],
        // It may name what Policy has instead: that depends on the types that TypeScript has met before.
        [inCode("await limiter.consume({ name: 'a', limit: 5 }, 'user:42');"), notAny],
        [inCode("await limiter.consume([{ policy: { name: 'a', limit: 5 }, key: 'b' }]);"), notAny],

        [onRoute("{ window: '1m' }"), missing('limit')],
        [onRoute("{ algorithm: 'concurrency' }"), missing('limit')],

        [onRoute("{ limit: 5, widnow: '1m' }"), unknown('widnow')],
        [inCatalogue("{ limit: 5, window: '1m', blockfor: '5m' }"), unknown('blockfor')],
        [onRoute("{ limit: 5, algorithm: 'concurency' }"), meant('concurrency')],
        [inCatalogue("{ limit: 5, window: '1m', algorithm: 'fixed-windw' }"), meant('fixed-window')],
        [ofLimiter("{ limit: 5, algorithm: 'concurency' }"), meant('concurrency')],

        ...refused(onRoute, [...ofWindows, ...ofCosts]),
        ...refused(inCatalogue, ofCosts),
        ...refused(ofLimiter, ofWindows),
      ];
      expect(told(mistakes.map(([block]) => block))).toEqual(
        mistakes.map(([, pattern]) => expect.stringMatching(pattern)),
      );
    },
    COMPILING,
  );
});
