import { format } from 'prettier';
import { commandsOf, mistakesIn, sampleRequests, type SampleRequest } from './commands.js';
import { mistakeInField, mistakesInHead } from './fields.js';
import { complaint, type Block } from './pages.js';

/** Written otherwise than everywhere else. */
const SPELLINGS: Readonly<Record<string, string>> = {
  typescript: 'ts',
  bash: 'sh',
  shell: 'sh',
  zsh: 'sh',
  yml: 'yaml',
  txt: 'text',
};

/** What is wrong with a block that is not TypeScript. Languages that nothing here can read are let through. */
export async function otherComplaints(block: Block): Promise<string[]> {
  const { language, lines, words } = block;
  const code = lines.join('\n');
  const say = (what: string, offset = 0): string => complaint(block, offset, what);
  const spelling = SPELLINGS[language];
  if (spelling) return [say(`write ${spelling} instead of ${language}`, -1)];
  if (words.length > 0) return [say(`only ts has kinds of blocks, got "${language} ${words.join(' ')}"`, -1)];

  switch (language) {
    case '':
    case 'text':
      return /\bimport |@RateLimit\(/.test(code) ? [say('this looks like TypeScript: write ts, and its kind', -1)] : [];
    case 'sh':
      return commandsOf(block).flatMap((command) => mistakesIn(command).map((what) => say(what, command.offset)));
    case 'console':
      return [
        ...(lines.some((line) => line.startsWith('$ ')) ? [] : [say('no line begins with "$ ": what is typed?')]),
        ...commandsOf(block).flatMap((command) => mistakesIn(command).map((what) => say(what, command.offset))),
        ...lines.flatMap((line, offset) => {
          const what = /^RateLimit(-Policy)?:/i.test(line) ? mistakeInField(line) : undefined;
          return what ? [say(what, offset)] : [];
        }),
      ];
    case 'http':
      return mistakesInHead(lines).map(({ offset, what }) => say(what, offset));
    case 'json':
      return readable(() => void JSON.parse(code), say);
    case 'yaml':
    case 'js':
    case 'html':
    case 'css':
      return readable(async () => void (await format(code, { parser: language === 'js' ? 'babel' : language })), say);
    default:
      return [];
  }
}

async function readable(parse: () => void | Promise<void>, say: (what: string) => string): Promise<string[]> {
  try {
    await parse();
    return [];
  } catch (error) {
    return [say(error instanceof Error ? error.message : String(error))];
  }
}

/**
 * What a page's commands ask of the sample, each with where it stands. What begins like the path of a controller that the
 * page itself shows is asked of the reader's own application.
 */
export function sampleRequestsOf(blocks: readonly Block[]): (SampleRequest & { place: string })[] {
  const code = blocks.filter(({ language }) => language === 'ts').flatMap(({ lines }) => lines);
  const own = code.flatMap((line) => /@Controller\('\/?([^']+)'\)/.exec(line)?.[1] ?? []);
  return blocks
    .filter(({ language }) => ['sh', 'console'].includes(language))
    .flatMap((block) =>
      commandsOf(block).flatMap((command) =>
        sampleRequests(command).map((request) => ({
          ...request,
          place: complaint(block, command.offset, `${String(request.init.method)} ${request.path}`),
        })),
      ),
    )
    .filter(({ path }) => !own.some((prefix) => `${path}/`.startsWith(`/${prefix}/`)));
}
