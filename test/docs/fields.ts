import { parseList } from 'structured-headers';

/** What each member of a RateLimit field must say, and may say beside it. */
const PARAMETERS: Readonly<Record<string, { must: string; may: readonly string[] }>> = {
  ratelimit: { must: 'r', may: ['t', 'pk'] },
  'ratelimit-policy': { must: 'q', may: ['w', 'qu', 'pk'] },
};

/** What is wrong with a message's head: `GET / HTTP/1.1` or `HTTP/1.1 200 OK` or neither, then header lines. */
export function mistakesInHead(lines: readonly string[]): { offset: number; what: string }[] {
  const blank = lines.indexOf('');
  const head = blank < 0 ? lines : lines.slice(0, blank);
  return head.flatMap((line, offset) => {
    if (offset === 0 && /^(HTTP\/\d(\.\d)? \d{3}|[A-Z]+ \S+( HTTP\/\d(\.\d)?)?$)/.test(line)) return [];
    const what = mistakeInField(line);
    return what ? [{ offset, what }] : [];
  });
}

/** What is wrong with a header line, if anything is. An ellipsis stands for fields that do not matter. */
export function mistakeInField(line: string): string | undefined {
  if (line.trim() === '…') return undefined;
  const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/.exec(line) ?? [];
  if (!name) return `"${line}" is no header line`;
  const parameters = PARAMETERS[name.toLowerCase()];
  if (!parameters) return undefined;
  try {
    for (const [item, given] of parseList(value)) {
      if (typeof item !== 'string') return `${name}: a policy's name is a string`;
      if (!Number.isInteger(given.get(parameters.must))) return `${name}: "${item}" has no ${parameters.must}`;
      const other = [...given.keys()].find((key) => key !== parameters.must && !parameters.may.includes(key));
      if (other) return `${name}: "${item}" has ${other}, which the draft does not know`;
    }
  } catch (error) {
    return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
  return undefined;
}
