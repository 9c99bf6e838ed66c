import { readFileSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import { StoreUnavailableError } from '../../libs/rate-limit/src/core/errors.js';
import { temporaryReducedCapacity } from '../../libs/rate-limit/src/headers/problem-details.js';
import { safeObserver } from '../../libs/rate-limit/src/engine/observer/safe-observer.js';
import { asUnavailable, tooSlow } from '../../libs/rate-limit/src/stores/redis/connection/failures.js';

const page = readFileSync(new URL('../../docs/when-redis-fails.md', import.meta.url), 'utf8');
const blocks = (language: string): string[] =>
  Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms')), ([, block]) => block!);

describe('docs/when-redis-fails.md quotes', () => {
  const lines: string[] = [];
  beforeEach(() => {
    for (const level of ['warn', 'error'] as const) {
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((line) => void lines.push(`${level.toUpperCase()} [RateLimit] ${String(line)}`));
    }
  });
  afterEach(() => {
    jest.restoreAllMocks();
    lines.length = 0;
  });

  const client = { status: 'close' } as never;
  const of = (server: string, said: string) => asUnavailable(new Error(said), client, `Redis at ${server}`);
  const failures: Record<string, StoreUnavailableError> = {
    'that Redis is frozen': tooSlow('Redis at 127.0.0.1:6379', 250),
    'that it was killed': of('127.0.0.1:6379', 'Connection is closed.'),
    'that its memory is full': of(
      '127.0.0.1:6399',
      "OOM command not allowed when used memory > 'maxmemory'. script: b1f0, on @user_script:57.",
    ),
  };

  it.each(Object.entries(failures))('the log, word for word: %s', (_what, failure) => {
    safeObserver(new Logger('RateLimit'), 'local').storeFailed(failure);
    expect(blocks('text').join('')).toContain(`${lines.join('\n')}\n`);
    expect(lines).toHaveLength(1);
  });

  it('the log, word for word: that it answers again', () => {
    safeObserver(new Logger('RateLimit'), 'local').storeAnswers(1_812);
    expect(blocks('text').join('')).toContain(`${lines.join('\n')}\n`);
  });

  it('the body of a 503', () => {
    expect(blocks('json').map((block) => JSON.parse(block))).toEqual([temporaryReducedCapacity(['login'])]);
  });
});
