import { posix } from 'node:path';
import { framed, type Place } from '../look/frame.js';
import { htmlOf, titleOf } from './markdown/blocks.js';
import { escaped, type LinkTo } from './markdown/inline.js';

/** A file of the repository as a page. Its relative links stay as they are: pages have the paths of their files. */
export function documentPage(path: string, text: string, isServed: (path: string) => boolean): string {
  const isMarkdown = path.endsWith('.md');
  const linkTo: LinkTo = (target) => {
    if (/^(?:https?:|#)/.test(target)) return target;
    const [file = ''] = target.split('#');
    return isServed(posix.join(posix.dirname(path), file)) ? target : undefined;
  };
  return framed({
    root: '../'.repeat(path.split('/').length - 1),
    here: path as Place,
    title: escaped(isMarkdown ? (titleOf(text) ?? path) : path),
    className: 'document',
    main: isMarkdown ? htmlOf(text, linkTo) : `<h1>${escaped(path)}</h1>\n<pre><code>${escaped(text)}</code></pre>`,
  });
}
