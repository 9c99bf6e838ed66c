import { runInNewContext } from 'node:vm';
import { oneLine, shown } from '../../libs/rate-limit/src/core/shown.js';
import { sfString } from '../../libs/rate-limit/src/headers/structured-fields.js';
import { clientOf } from '../../libs/rate-limit/src/engine/identity/address.js';
import { byAll } from '../../libs/rate-limit/src/nest/keys/combined.js';
import { headerOf } from '../../libs/rate-limit/src/nest/request/request.js';
import { partitionOf } from '../../libs/rate-limit/src/stores/redis/wire/keys.js';

/** Sixty times what Node takes of a head. In quadratic time it would be read for the better part of an hour. */
const LENGTH = 1_000_000;
const repeated = (text: string): string => text.repeat(LENGTH / text.length);

/** One line, as a header field is: matched almost to its end, by whatever reads it. */
const almost = {
  spaces: `x${repeated(' ')}x`,
  'spaces and tabs': `${repeated('\t ')}x`,
  'words and spaces': repeated('x '),
  percents: repeated('%'),
  braces: repeated('{}'),
  backslashes: repeated('\\"'),
  digits: `1.1.1.${repeated('1')}:x`,
  'digits and dots': `::ffff:${repeated('1.')}x`,
  brackets: `[${repeated(']:1 ')}x`,
  'hex and colons': `${repeated('a:')}!`,
  hex: `${repeated('a')}:!`,
  colons: repeated(':'),
  'a zone': `fe80::1%${repeated('a')}!`,
};

const readers: Record<string, (text: string) => unknown> = {
  'a header': (text) => headerOf({ headers: { name: text } }, 'name'),
  'an address': (text) => clientOf(text, 64),
  'a key': partitionOf,
  'a key of several': (text) => byAll(() => text)(undefined as never, {} as never, { ipv6Prefix: 64 } as never),
  'a value in an error': shown,
  'text in a message': oneLine,
  'a name in a header field': sfString,
};

describe.each(Object.entries(readers))('%s is read in linear time', (_what, read) => {
  it.each(Object.entries(almost))('%s', (_name, text) => {
    runInNewContext('read(text)', { read, text }, { timeout: 20_000 });
  });
});
