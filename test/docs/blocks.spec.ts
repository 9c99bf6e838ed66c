import { compile } from './typescript.js';
import { pages, read, type Block } from './pages.js';
import { otherComplaints } from './blocks.js';

const blocks = pages().flatMap((page) => read(page).blocks);
/** In milliseconds. The compiler takes seconds, more of them on a busy machine. */
const COMPILING = 120_000;
let complaints: Map<Block, string[]>;

beforeAll(() => {
  complaints = compile(blocks.filter(({ language }) => language === 'ts'));
}, COMPILING);

describe('the code of the documentation', () => {
  it.each([...new Set(blocks.map(({ page }) => page))])('%s compiles', async (page) => {
    const own = blocks.filter((block) => block.page === page);
    const found = await Promise.all(own.map(async (block) => complaints.get(block) ?? otherComplaints(block)));
    expect(found.flat()).toEqual([]);
  });
});
