import { textOf } from '../../libs/rate-limit/src/engine/identity/key-text.js';

/** As bson's ObjectId and UUID. */
class ObjectId {
  constructor(private readonly hex: string) {}
  get id() {
    return Buffer.from(this.hex, 'hex');
  }
  toHexString() {
    return this.hex;
  }
}

/** As bson's Binary: its text is UTF-8, unless another one is asked for. */
class Binary {
  readonly _bsontype = 'Binary';
  constructor(private readonly bytes: Buffer) {}
  toString(encoding: BufferEncoding = 'utf8') {
    return this.bytes.toString(encoding);
  }
}

class Decimal {
  toString() {
    return '42';
  }
}

const uuid = Buffer.from('32e657a7885845e283c11110f443db5d', 'hex');

describe('the text of an id', () => {
  it.each<[unknown, string]>([
    ['42', '42'],
    [42, '42'],
    [0, '0'],
    [-0, '0'],
    [42n, '42'],
    [2n ** 64n, '18446744073709551616'],
    [new ObjectId('65f0c0ffee65f0c0ffee65f0'), '65f0c0ffee65f0c0ffee65f0'],
    [uuid, uuid.toString('hex')],
    [new Uint8Array(uuid), uuid.toString('hex')],
    [new Binary(uuid), uuid.toString('hex')],
    [new Decimal(), '42'],
  ])('of %p is %s', (id, text) => expect(textOf(id)).toBe(text));

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['a boolean', true],
    ['a symbol', Symbol('id')],
    ['a function', () => '42'],
    ['a plain object', { of: 'mongo' }],
    ['an object of a class', new (class User {})()],
    ['an object without a prototype', Object.create(null)],
    ['a list', ['42']],
    ['a map', new Map()],
    ['a promise', Promise.resolve('42')],
    ['no bytes', Buffer.alloc(0)],
    ['a date', new Date(NaN)],
    ['a toString that throws', { toString: () => JSON.parse('{') as string }],
    ['a toString that gives no text', { toString: () => '' }],
  ])('is not there for %s', (_what, id) => expect(textOf(id)).toBeUndefined());
});
