import { closest } from './closest.js';
import { oneLine } from './shown.js';

/** How people write units, and a span of that length. */
const UNITS = {
  second: { words: 's sec secs second seconds', span: (count: number) => `${count}s` },
  minute: { words: 'm min mins minute minutes', span: (count: number) => `${count}m` },
  hour: { words: 'h hr hrs hour hours hourly', span: (count: number) => `${count}h` },
  day: { words: 'd day days daily', span: (count: number) => `${count}d` },
  week: { words: 'w wk week weeks weekly', span: (count: number) => `${7 * count}d` },
  month: { words: 'mo mon month months monthly', span: (count: number) => `${30 * count}d` },
  year: { words: 'y yr year years yearly annual annually', span: (count: number) => `${365 * count}d` },
};
type Unit = keyof typeof UNITS;

/** What `1 day`, `daily`, `1mo` or `day/Europe/Berlin` was probably meant to be: the end of an error message, or ''. */
export function meantWindow(window: unknown): string {
  if (window instanceof Date) return `; for windows that begin on a date write { calendar: 'month', anchor: … }`;
  if (typeof window !== 'string') return '';
  const [, number = '', word = '', zone = ''] = /^(\d{0,3})[ _-]*([a-z]+)(?:\W+(.+))?$/i.exec(window) ?? [];
  const unit = unitOf(word);
  if (!unit) return '';
  const { span } = UNITS[unit];
  const byCalendar = quoted(zone === '' ? unit : `${unit} ${zone}`);
  if (number === '') return `; did you mean ${unit === 'second' ? `'1s'` : byCalendar}?`;
  const fromFirst = quoted(span(Number(number)));
  const isEither = Number(number) === 1 && span(1).endsWith('d');
  return isEither
    ? `; did you mean ${byCalendar}, by the calendar, or ${fromFirst}, from the first request?`
    : `; did you mean ${fromFirst}?`;
}

function unitOf(word: string): Unit | undefined {
  // It may mean a minute or a month.
  if (word === 'M') return undefined;
  const units = Object.keys(UNITS) as Unit[];
  const spelled = units.find((unit) => UNITS[unit].words.split(' ').includes(word.toLowerCase()));
  return spelled ?? (closest(word, units) as Unit | undefined);
}

const quoted = (text: string): string => `'${oneLine(text)}'`;
