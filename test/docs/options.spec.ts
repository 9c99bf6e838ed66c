import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BLOCK_KEYS } from '../../libs/rate-limit/src/core/blocks/block-rule.js';
import { KEY_OPTIONS } from '../../libs/rate-limit/src/nest/keys/key-settings.js';
import { MODULE_KEYS } from '../../libs/rate-limit/src/nest/check-options.js';
import { RULE_KEYS } from '../../libs/rate-limit/src/nest/plan/rule.js';
import { RESOLVE_CACHE_KEYS } from '../../libs/rate-limit/src/nest/resolve/resolved-policy.js';
import { ROOT, textOf } from './pages.js';

/** The first column of the tables below a heading of docs/options.md. */
function named(heading: string): string[] {
  const section = textOf('docs/options.md')
    .split(/^## /m)
    .find((text) => text.startsWith(`${heading}\n`));
  return [...section!.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name!);
}

/** Every code in the text of the library's sources. */
function codes(): string[] {
  const folder = join(ROOT, 'libs/rate-limit/src');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  const found = sources.flatMap((path) => readFileSync(join(folder, path), 'utf8').match(/\bRL_[A-Z_]+/g) ?? []);
  return [...new Set(found)];
}

describe('docs/options.md', () => {
  it('names every option of the module, and no other', () => {
    expect(named('The module').sort()).toEqual([...MODULE_KEYS, 'guard', 'isGlobal'].sort());
  });

  it('names every option of keys, and no other', () => {
    expect(named('Keys').sort()).toEqual([...KEY_OPTIONS].sort());
  });

  it('names every option of a policy, and no other', () => {
    expect(named('A policy').sort()).toEqual([...RULE_KEYS].sort());
  });

  it('names every option of resolveCache, and no other', () => {
    expect(named('Lookups that are kept').sort()).toEqual([...RESOLVE_CACHE_KEYS].sort());
  });

  it('names every option of a block, and no other', () => {
    expect(named('Blocks').sort()).toEqual([...BLOCK_KEYS].sort());
  });

  it('names every error code once, and no other', () => {
    expect(named('Errors').sort()).toEqual(codes().sort());
  });
});
