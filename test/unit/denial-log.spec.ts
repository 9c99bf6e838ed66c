import type { DecisionEvent } from '../../libs/rate-limit/src/core/observer.js';
import { DenialLog, type LogDenials } from '../../libs/rate-limit/src/engine/observer/denial-log.js';

const event = (given: Partial<DecisionEvent>): DecisionEvent => ({
  policy: 'login',
  key: 'user:42',
  cost: 1,
  allowed: false,
  passed: false,
  shadow: false,
  by: 'store',
  reason: 'limit',
  limit: 1,
  remaining: 0,
  retryAfter: 1,
  duration: 1,
  ...given,
});

function logging(options: Partial<LogDenials> = {}) {
  const lines: string[] = [];
  const timers = new Set<() => void>();
  const log = new DenialLog({ every: '10s', ...options }, { warn: (line) => void lines.push(line) }, (run) => {
    timers.add(run);
    return () => timers.delete(run);
  });
  const pass = () => {
    for (const run of [...timers]) {
      timers.delete(run);
      run();
    }
  };
  const entry = () => JSON.parse(lines.at(-1)!.replace(/^[^{]*/, '')) as unknown;
  return { log, lines, timers, pass, entry };
}

describe('the log of denials', () => {
  it('has one entry for a span with denials, and no timer without', () => {
    const { log, lines, timers, pass, entry } = logging({ keys: 'plain' });
    log.checked([event({ allowed: true, passed: true, reason: undefined })]);
    expect(timers.size).toBe(0);
    log.checked([event({}), event({ reason: 'blocked' })]);
    log.checked([event({ shadow: true, key: 'user:7' }), event({ policy: undefined, reason: 'list' })]);
    expect(timers.size).toBe(1);
    pass();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^Denied in the last 10s: \{/);
    expect(entry()).toEqual({
      policies: [
        {
          policy: 'login',
          denied: 2,
          inShadow: 1,
          reasons: { limit: 2, blocked: 1 },
          callers: [
            { key: 'user:42', denials: 2 },
            { key: 'user:7', denials: 1 },
          ],
        },
        { policy: null, denied: 1, reasons: { list: 1 }, callers: [{ key: 'user:42', denials: 1 }] },
      ],
    });
    pass();
    expect(lines).toHaveLength(1);
  });

  it('shows digests of keys, always the same, unless keys are asked for', () => {
    const { log, lines, pass } = logging();
    for (let i = 0; i < 2; i++) {
      log.checked([event({})]);
      pass();
    }
    expect(lines[0]).not.toContain('42');
    expect(lines[1]).toBe(lines[0]);
  });

  it('has a last entry at the end, and no timer after it', () => {
    const { log, lines, timers } = logging();
    log.checked([event({})]);
    log.end();
    log.end();
    expect([lines.length, timers.size]).toEqual([1, 0]);
  });

  it('cannot be forged by a key, and is bounded', () => {
    const { log, lines, pass, entry } = logging({ keys: 'plain' });
    const key = 'a\n\u2028\u202e\u0085"}';
    log.checked([event({ key })]);
    for (let i = 0; i < 500; i++) log.checked([event({ policy: `p${i}`, key: 'k'.repeat(9_999) })]);
    pass();
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/u);
    expect(entry()).toMatchObject({ policies: { length: 50 }, ofOtherPolicies: 451 });
    expect(lines[0]).toContain(JSON.stringify(key).slice(1, 3));
    expect(lines[0]!.length).toBeLessThan(20_000);
  });
});
