import { configFrom } from '../../apps/sample/src/config.js';
import { createApp } from '../../apps/sample/src/create-app.js';
import { htmlOf } from '../../apps/sample/src/docs/markdown/blocks.js';
import { pages } from '../docs/pages.js';
import { adapters } from '../support/app.js';

describe.each(adapters)('the pages to read, on %s', (HTTP_ADAPTER) => {
  const app = createApp(configFrom({ HTTP_ADAPTER, DEMO: 'off' }));
  let url: string;
  beforeAll(async () => {
    await (await app).listen(0, '127.0.0.1');
    url = await (await app).getUrl();
  });
  afterAll(async () => (await app).close());

  it('are all pages of the repository, each with its links, anchors and pictures', async () => {
    expect((await fetch(`${url}/docs`)).url).toBe(`${url}/docs/README.md`);
    const found = new Map<string, string>();
    const linked = new Set<string>();
    for (const path of pages()) {
      const answer = await fetch(`${url}/${path}`);
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        200,
        'text/html; charset=utf-8',
      ]);
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'self'; img-src/);
      const html = await answer.text();
      found.set(path, html);
      for (const [, target] of html.matchAll(/(?:href|src)="([^":]+)"/g)) linked.add(new URL(target!, answer.url).href);
      expect([path, rawMarkdown(html)]).toEqual([path, []]);
    }
    for (const target of linked) {
      const { pathname, hash, origin } = new URL(target);
      const page = found.get(pathname.slice(1));
      if (page === undefined) expect([target, (await fetch(origin + pathname)).status]).toEqual([target, 200]);
      else if (hash !== '')
        expect([target, page.includes(` id="${decodeURIComponent(hash.slice(1))}"`)]).toEqual([target, true]);
    }
  });

  it('show the source that the docs point to, and nothing else of the repository', async () => {
    const source = await fetch(`${url}/apps/sample/src/plans.ts`);
    expect(source.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await source.text()).toContain('<h1>apps/sample/src/plans.ts</h1>');
    for (const path of [
      'package.json',
      'docs/../package.json',
      'docs/%2e%2e/package.json',
      'docs/none.md',
      'none.md',
    ]) {
      expect([path, (await fetch(`${url}/${path}`)).status]).toEqual([path, 404]);
    }
    expect((await fetch(`${url}/look/none.css`)).status).toBe(404);
  });
});

describe('Markdown', () => {
  const html = (...lines: string[]) => htmlOf(lines.join('\n'), (to) => (to === 'none.md' ? undefined : to)).trim();

  it('shows HTML as text, in a paragraph, a link and code alike', () => {
    expect(html('<b>`<i>`</b> [a"](x.md?"&)')).toBe(
      '<p>&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt; <a href="x.md?&quot;&amp;">a&quot;</a></p>',
    );
    expect(html('```ts', 'a<b>', '```')).toBe('<pre><code>a&lt;b&gt;</code></pre>');
    expect(html('<!-- gone -->', 'here')).toBe('<p>here</p>');
  });

  it('leaves a link to nothing as its text', () => {
    expect(html('[**a**](none.md) [b][1]', '', '[1]: b.md')).toBe('<p><strong>a</strong> <a href="b.md">b</a></p>');
  });

  it('nests lists, with code and paragraphs in their items', () => {
    expect(html('- a', '  more', '  1. _b_', '  2. `c`', '- d')).toBe(
      '<ul>\n<li>a\nmore\n<ol>\n<li><em>b</em></li>\n<li><code>c</code></li>\n</ol></li>\n<li>d</li>\n</ul>',
    );
    expect(html('- a', '', '  ```', '  x', '  ```', '', 'after')).toBe(
      '<ul>\n<li><p>a</p>\n<pre><code>x</code></pre></li>\n</ul>\n<p>after</p>',
    );
  });

  it('takes a pipe in a cell for a pipe', () => {
    expect(html('| a | b |', '| - | - |', '| `x \\| y` | 2 |')).toContain('<td><code>x | y</code></td><td>2</td>');
  });
});

/** What of the syntax is left outside of code. */
function rawMarkdown(html: string): string[] {
  const prose = html.replace(/<(pre|code)>.*?<\/\1>/gs, '');
  return prose.match(/\]\(.*|\*\*.*|^#+ .*|^\s*\|.*|```.*|&lt;!--.*/gm) ?? [];
}
