import { definePolicy } from '../../libs/rate-limit/src/core/policy.js';
import { windowOf } from '../../libs/rate-limit/src/core/window-of.js';

function saidOf(attempt: () => unknown): string {
  try {
    return String(attempt());
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the window of a policy', () => {
  it.each([
    ['1m', 60_000, '1m', 60],
    [60_000, 60_000, '1m', 60],
    ['90s', 90_000, '90s', 90],
    ['24h', 86_400_000, '1d', 86_400],
    ['1500ms', 1_500, '1500ms', 2],
    [1, 1, '1ms', 1],
  ] as const)('%s is %d ms long, is written %s and lasts %d s in header fields', (window, length, text, seconds) => {
    const period = windowOf(window);
    expect([period.length, period.text, period.secondsAt(0)]).toEqual([length, text, seconds]);
  });

  it('begins with the charge that opens it, and is over one length later', () => {
    expect(windowOf('10s').boundsAt(1_800_000_000_000)).toEqual({ start: 1_800_000_000_000, end: 1_800_000_010_000 });
  });

  it('is a calendar unit if it is written as one, and never shares its id with a span', () => {
    expect(windowOf('day').isCalendar).toBe(true);
    expect(windowOf({ calendar: 'day' }).isCalendar).toBe(true);
    expect(windowOf('1d').isCalendar).toBe(false);
    expect(windowOf('day').id).not.toBe(windowOf('1d').id);
  });

  it('shares its id with windows of the same length, however they are written, and with no other', () => {
    expect(windowOf('60s').id).toBe(windowOf('1m').id);
    expect(windowOf('61s').id).not.toBe(windowOf('1m').id);
  });

  it('is what a policy carries, beside its length as a number', () => {
    const { window, period, id } = definePolicy({ name: 'p', limit: 3, window: '1m' });
    expect([window, period.length, period.text, id]).toEqual([60_000, 60_000, '1m', 'p:fw60000']);
  });

  it.each([
    ['10 seconds', `'10s'`],
    ['1 hour', `'1h'`],
    ['1 day', `'day', by the calendar, or '1d', from the first request`],
    ['1month', `'month', by the calendar, or '30d', from the first request`],
    ['1mo', `'month', by the calendar, or '30d', from the first request`],
    ['1w', `'week', by the calendar, or '7d', from the first request`],
    ['2y', `'730d'`],
    ['daily', `'day'`],
    ['Day', `'day'`],
    ['monht', `'month'`],
    ['day/Europe/Berlin', `'day Europe/Berlin'`],
    ['months, Europe/Berlin', `'month Europe/Berlin'`],
    ['second', `'1s'`],
  ])('is refused when it is %s, with what to write: %s', (window, meant) => {
    const message = `got ${JSON.stringify(window)}; did you mean ${meant}?`;
    expect(() => windowOf(window as never)).toThrow(message);
    for (const [, text] of meant.matchAll(/'([^']+)'/g)) expect(windowOf(text as never).text).toContain(text);
  });

  it.each([
    ['1M', `got "1M"`],
    ['1000 weeks', `got "1000 weeks"`],
    ['never', `got "never"`],
    [['day'], `got ["day"]`],
    [null, 'got null'],
    [
      new Date(0),
      `got "1970-01-01T00:00:00.000Z"; for windows that begin on a date write { calendar: 'month', anchor: … }`,
    ],
  ])('is refused without advice, or with other advice, when it is %p', (window, message) => {
    const said = saidOf(() => windowOf(window as never));
    expect(said.slice(0, 36)).toBe('RL_WINDOW_INVALID: window must be li');
    expect(said.slice(-message.length)).toBe(message);
  });

  it.each(['10 seconds', '0s', 1.5, -1, '365001d', undefined])('is refused when it is %s', (window) => {
    expect(() => windowOf(window as never)).toThrow('RL_WINDOW_INVALID');
  });
});
