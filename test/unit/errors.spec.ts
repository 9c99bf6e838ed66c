import { kindOf, oneLine, shown } from '../../libs/rate-limit/src/core/shown.js';

class Odd {
  password = 'secret';
}
const throwing = (): never => {
  throw new Error('thrown by the caller');
};
const { proxy, revoke } = Proxy.revocable({}, {});
revoke();

describe('how values are shown in errors', () => {
  it.each<[unknown, string]>([
    ['5', '"5"'],
    [5, '5'],
    [5n, '5n'],
    [null, 'null'],
    [undefined, 'undefined'],
    [() => 5, 'a function'],
    [{ limit: '5' }, '{"limit":"5"}'],
    ['a\nb', String.raw`"a\nb"`],
    ['a\u2028b\u202e\x85', String.raw`"a\u2028b\u202e\u0085"`],
    [Symbol('a\nb'), String.raw`Symbol(a\u000ab)`],
    [10n ** 3_000n, `1${'0'.repeat(78)}…`],
    ['x'.repeat(3_000), `"${'x'.repeat(78)}…`],
    [Symbol('\n'.repeat(3_000)), `Symbol(${String.raw`\u000a`.repeat(12)}…`],
    [[5n], 'a list of 1'],
    [{ toJSON: throwing, [Symbol.toStringTag]: 'a\nb' }, 'an object of Object'],
    [Object.defineProperty({ toJSON: throwing }, Symbol.toStringTag, { get: throwing }), 'an object of Object'],
    [{ toJSON: () => undefined, toString: throwing }, 'an object of Object'],
    [proxy, 'an object that cannot be read'],
  ])('%#', (value, text) => {
    expect(shown(value)).toBe(text);
  });

  it.each<[unknown, string]>([
    ['secret', 'text'],
    [['secret'], 'a list of 1'],
    [{ password: 'secret' }, 'an object of Object'],
    [Object.assign(new Odd(), { constructor: undefined }), 'an object of Odd'],
    [new Map([['password', 'secret']]), 'an object of Map'],
    [Object.create(null), 'an object'],
    [proxy, 'an object that cannot be read'],
    [null, 'null'],
    [5, '5'],
  ])('of what may hold a password only what it is: %#', (value, text) => {
    expect(kindOf(value)).toBe(text);
  });

  it('text in the middle of a message is on its line, and short', () => {
    expect(oneLine('policies')).toBe('policies');
    expect(oneLine('日本 "p"')).toBe('日本 "p"');
    expect(oneLine('a\r\nb')).toBe(String.raw`a\u000d\u000ab`);
    expect(oneLine('x'.repeat(80))).toBe('x'.repeat(80));
    expect(oneLine('x'.repeat(81))).toBe(`${'x'.repeat(79)}…`);
  });
});
