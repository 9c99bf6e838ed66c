import { Controller, Get } from '@nestjs/common';
import { RateLimit, RateLimitModule } from 'nestjs-redis-rate-limit';
import { runInNewContext, runInThisContext } from 'node:vm';
import ts from 'typescript';
// @ts-expect-error a script of the page, which is checked by itself
import { decoratorOf } from '../../apps/sample/page/code.js';
import { demandOf } from '../../apps/sample/src/demo/playground-policy.js';
import { boot, closeApps } from '../support/app.js';

afterEach(closeApps);

/** What the page sends to be judged: spans in milliseconds. */
const SETTINGS = [
  { policy: { algorithm: 'fixed-window', limit: 10, window: 10_000 }, cost: 1 },
  { policy: { algorithm: 'sliding-window', limit: 1, window: 100 }, cost: 0 },
  { policy: { algorithm: 'sliding-log', limit: 1_000, window: 1_500, blockFor: [6_000] }, cost: 3 },
  { policy: { algorithm: 'token-bucket', limit: 7, window: 90_000, burst: 5 }, cost: 5 },
  { policy: { algorithm: 'gcra', limit: 60, window: 60_000, burst: undefined, blockFor: [2_000, 120_000] }, cost: 1 },
];

describe('the code that the page shows', () => {
  const codes = SETTINGS.map(({ policy, cost }) => decoratorOf({ ...policy, cost }) as string);

  it.each(SETTINGS.map((settings, i) => [codes[i]!, settings] as const))(
    '%s is the limit that it judges by',
    (code, settings) => {
      const { cost = 1, ...policy } = runInNewContext(code.slice(1), { RateLimit: (given: object) => given });
      const asked = (policy: unknown, cost: number) => demandOf('visitor-1', { client: 'alice', policy, cost });
      expect(asked(policy, cost)).toEqual(asked(settings.policy, settings.cost));
    },
  );

  it('has its spans as text, in units that people read', () => {
    expect(codes[1]).toContain("window: '100ms',");
    expect(codes[4]).toContain("window: '1m',\n  blockFor: ['2s', '2m'],");
  });

  it('is TypeScript to put on handlers, as an application takes it', async () => {
    const handlers = codes.map((code, i) => `${code}\nhandler${i}() {}`).join('\n');
    const { outputText, diagnostics } = ts.transpileModule(`class Pasted {\n${handlers}\n}`, {
      reportDiagnostics: true,
      compilerOptions: { experimentalDecorators: true, target: ts.ScriptTarget.ES2022 },
    });
    expect(diagnostics).toEqual([]);
    const Pasted = runInThisContext(`(RateLimit) => {${outputText}\nreturn Pasted;}`)(RateLimit) as new () => object;
    Controller()(Pasted);
    for (const i of codes.keys()) {
      const name = `handler${i}`;
      Get(name)(Pasted.prototype, name, Object.getOwnPropertyDescriptor(Pasted.prototype, name)!);
    }
    const app = await boot('express', RateLimitModule.forRoot({}), { controllers: [Pasted] });
    for (const [i, { policy }] of SETTINGS.entries()) {
      const answer = await app.get(`/handler${i}`);
      expect(answer.headers.get('ratelimit-policy')).toContain(`;q=${policy.limit};`);
    }
  });
});
