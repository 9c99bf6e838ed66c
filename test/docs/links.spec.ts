import { posix } from 'node:path';
import { deadLinks, linksOf } from './links.js';
import { pages, read } from './pages.js';

describe('links of the documentation', () => {
  it.each(pages())('%s links to nothing that is not there', (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it('docs/README.md links to every page of docs/', () => {
    const linked = linksOf(read('docs/README.md').prose).map(({ target }) => posix.join('docs', target.split('#')[0]!));
    const others = pages().filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
    expect(others.filter((page) => !linked.includes(page))).toEqual([]);
  });
});
